import type { Finding, Weight } from './findings/finding.ts'
import { gemFindings } from './findings/gem.ts'
import type { GemFacts } from './findings/gem-facts.ts'
import { type RepositoryFacts, repositoryFindings } from './findings/repository.ts'
import { type WorkflowFacts, workflowFindings } from './findings/workflow.ts'

/** Everything that was found out about a project, before and after its release to the sandbox. */
export interface Examination {
  gems: GemFacts
  repository: RepositoryFacts
  workflow: WorkflowFacts
}

const ORDER: readonly Weight[] = ['stops', 'surprise', 'todo', 'unchecked']

/** What the owner should know, the gravest first. Pure. */
export function findings({ gems, repository, workflow }: Examination): Finding[] {
  const all = [...gemFindings(gems), ...repositoryFindings(repository), ...workflowFindings(workflow)]
  return ORDER.flatMap((weight) => all.filter((finding) => finding.weight === weight))
}
