import type { PublisherForm } from '../../sandbox/registry/administration.ts'
import { aim, type FaultName, FAULTS } from '../../sandbox/faults.ts'
import type { JobOptions, Sandbox } from '../../sandbox/sandbox.ts'
import type { Gemspec } from './gemspecs.ts'
import { Stop } from './options.ts'

/** Something that goes wrong in a rehearsal because the user wants to see it. */
export interface Fault {
  name: string
  /** What of the trusted publisher's form is filled in wrongly; `none`: there is no trusted publisher. */
  publisher?: Partial<PublisherForm> | 'none'
  /** What is different about the job. */
  job?: (branch: string) => Partial<JobOptions>
  /** Changes the sandbox before the job starts. */
  prepare?: (world: Prepared) => void
}

interface Prepared {
  sandbox: Sandbox
  repository: string
  gems: readonly Gemspec[]
  commit: string
}

interface Target {
  service: 'oidc' | 'registry' | 'github'
  method: string
  path: RegExp
  says: string
}

/** Requests of a release that a fault of `sandbox/faults.ts` can hit, in the order in which they are made. */
const TARGETS: Readonly<Record<string, Target>> = {
  versions: { service: 'registry', method: 'GET', path: /^\/api\/v1\/versions\//, says: 'which versions are there?' },
  'tag-object': { service: 'github', method: 'POST', path: /\/git\/tags$/, says: 'may this job tag?' },
  'id-token': { service: 'oidc', method: 'GET', path: /^\/token\?/, says: 'an ID token' },
  exchange: { service: 'registry', method: 'POST', path: /^\/api\/v1\/oidc\//, says: 'ID token → key' },
  push: { service: 'registry', method: 'POST', path: /^\/api\/v1\/gems$/, says: 'the gem' },
  verify: { service: 'registry', method: 'GET', path: /^\/api\/v2\/rubygems\//, says: 'is its SHA-256 ours?' },
  tag: { service: 'github', method: 'POST', path: /\/git\/refs$/, says: 'the tag' },
  index: { service: 'registry', method: 'GET', path: /^\/info\//, says: 'is it in the index?' },
}

const REFUSALS: Readonly<Record<string, Omit<Fault, 'name'> & { says: string }>> = {
  'no-publisher': { says: 'the trusted publisher was never added', publisher: 'none' },
  'other-workflow': { says: 'its form names another workflow file', publisher: { workflow: 'ci.yml' } },
  'other-environment': {
    says: 'its form has an environment the job has not',
    publisher: { environment: 'production' },
  },
  'other-repository': { says: 'its form names another repository', publisher: { repository: 'someone/else' } },
  'no-id-token': { says: 'the job lacks `id-token: write`', job: () => ({ permissions: { contents: 'write' } }) },
  'no-contents': {
    says: 'the job lacks `contents: write`',
    job: () => ({ permissions: { 'id-token': 'write', contents: 'read' } }),
  },
  'pull-request': {
    says: 'the run was started by a pull request',
    job: (branch) => ({ on: { branch, event: 'pull_request' } }),
  },
  'version-taken': {
    says: 'the version is published already, with other content',
    prepare: ({ sandbox, gems }) => {
      for (const { name, version } of gems) sandbox.registry.addVersion({ name, number: version })
    },
  },
  'name-reserved': {
    says: 'RubyGems.org has reserved the name of the gem',
    prepare: ({ sandbox, gems }) => {
      for (const { name } of gems) sandbox.registry.reserveName(name)
    },
  },
}

/** The fault of this name. Throws Stop where there is none. */
export function findFault(name: string): Fault {
  const refusal = REFUSALS[name]
  if (refusal) return { name, ...refusal }
  const [target, play] = name.includes(':') ? name.split(':', 2) : ['push', name]
  const where = TARGETS[target ?? '']
  if (!where || !isFaultName(play)) throw new Stop(`There is no fault ${name}; --fault list shows them all.`, 2)
  const { service, method, path } = where
  return {
    name,
    // Once: what a retry makes of it is what a user wants to see.
    prepare: ({ sandbox }) => {
      sandbox[service].inject(aim(play, { method, path }, 1))
    },
  }
}

function isFaultName(name: string | undefined): name is FaultName {
  return name !== undefined && Object.hasOwn(FAULTS, name)
}

/** Every name that `--fault` knows. */
export function listFaults(): string {
  return [
    'Set up wrongly:',
    ...Object.entries(REFUSALS).map(row),
    '',
    'Trouble on the way, once: WHERE:WHAT, such as push:reset-after. WHERE is one of',
    ...Object.entries(TARGETS).map(row),
    'and WHAT one of',
    ...Object.keys(FAULTS).map((name) => `  ${name}`),
    '`after` in a name: the server has done its work before the answer is lost.',
    '',
  ].join('\n')
}

function row([name, { says }]: [string, { says: string }]): string {
  return `  ${name.padEnd(20)}${says}`
}
