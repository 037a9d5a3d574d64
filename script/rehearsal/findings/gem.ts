import { allowsPushTo, gemServer } from '../../../src/server.ts'
import type { Gemspec } from '../gemspecs.ts'
import { fileFindings } from './files.ts'
import type { Finding } from './finding.ts'
import { gemspecFindings, UNFINISHED } from './gemspec.ts'
import type { GemFacts } from './gem-facts.ts'

/** What is the matter with the gems themselves. */
export function gemFindings(facts: GemFacts): Finding[] {
  return [
    ...facts.gemspecs.failed.map(fails),
    ...facts.gemspecs.loaded.flatMap((gem) => [
      ...gemspecFindings(gem),
      ...fileFindings(gem, facts),
      ...hostFindings(gem, facts.server),
    ]),
    ...publishedFindings(facts),
  ]
}

function fails({ file, error }: { file: string; error: string }): Finding {
  return {
    code: 'gemspec-fails',
    weight: 'stops',
    what: `${file} cannot be evaluated in a fresh checkout: ${error.split('\n')[0] ?? ''}`,
    fix: 'What it requires has to be committed, or installed before.',
  }
}

function hostFindings(gem: Gemspec, server: string): Finding[] {
  const allowed = gem.metadata.get('allowed_push_host') ?? ''
  if (allowed === '' || UNFINISHED.test(allowed) || allowsPushTo(allowed, gemServer(new URL(server)))) return []
  return [
    {
      code: 'push-host-elsewhere',
      weight: 'stops',
      what: `${gem.name} may only be pushed to ${allowed} (\`allowed_push_host\` in ${gem.file}), and the release goes to ${server}.`,
      fix: `Set \`gem-server: ${allowed}\` in the workflow, or change \`allowed_push_host\`.`,
    },
  ]
}

function publishedFindings({ gemspecs, published, built, server }: GemFacts): Finding[] {
  const { host } = new URL(server)
  if ('unknown' in published) {
    return [
      {
        code: 'published-unknown',
        weight: 'unchecked',
        what: `Which versions ${host} has already: ${published.unknown}.`,
        fix: 'The action asks again before it releases, and a version that is there with other content stops it.',
      },
    ]
  }
  return gemspecs.loaded.flatMap((gem): Finding[] => {
    const there = published.versions
      .get(gem.name)
      ?.find(({ version, platform }) => version === gem.version && platform === gem.platform)
    if (!there) return []
    const same = built.get(`${gem.name} ${gem.version} ${gem.platform}`) === there.sha256
    return [
      {
        code: 'version-published',
        weight: same ? 'surprise' : 'stops',
        what: `${gem.name} ${gem.version} is on ${host} already${same ? ', with the very bytes that were built here: nothing would be pushed' : ', and a published version cannot be replaced'}.`,
        fix: 'Bump the version.',
      },
    ]
  })
}
