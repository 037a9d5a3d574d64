import type { Problem } from '../errors.ts'
import type { ApiKey } from '../rubygems/api-key.ts'
import { adviceFor, meaningOf } from '../rubygems/push-answer.ts'
import type { Registry } from '../rubygems/registry.ts'
import { title } from '../rubygems/versions.ts'
import { describe, type HttpAnswer } from '../world/http-answer.ts'
import type { HttpFault } from '../world/http-fault.ts'
import type { ReleaseGem } from './inspect.ts'

/** What is said about a gem that was not, or may not be, published. */

export function changedCopy(gem: ReleaseGem): Problem {
  return {
    code: 'tampered-job',
    what: `The private copy of ${title(gem)} changed between inspection and upload. The upload was broken off.`,
    why: 'A process of this job, most likely one the build left behind, writes to files below RUNNER_TEMP.',
    fix: 'Build in a separate job, and publish the files with `gems:` and `checksums:`.',
  }
}

export function notSent(gem: ReleaseGem, registry: Registry, fault: HttpFault): Problem {
  if (fault.kind === 'redirected') {
    return {
      code: 'push-failed',
      what: `${title(gem)} was not taken by ${registry.server.host}: ${fault.message}.`,
      why: 'A key is sent to the one server it was made for, and a gem with it.',
      fix: 'Set `gem-server:` to the address that really takes pushes.',
    }
  }
  return {
    code: 'push-failed',
    what: `${title(gem)} was not sent to ${registry.server.host}: ${fault.message}.`,
    why: 'A connection whose other end cannot be trusted is never used.',
    fix: 'If a proxy of your own intercepts TLS, give its certificate with `NODE_EXTRA_CA_CERTS`.',
  }
}

export function yanked(gem: ReleaseGem, { server }: Registry): Problem {
  return {
    code: 'version-yanked',
    what: `${title(gem)} was published on ${server.host} and yanked: this version number cannot be used again.`,
    fix: 'Bump the version and release that.',
  }
}

export function refused(answer: HttpAnswer, key: ApiKey, gem: ReleaseGem, registry: Registry): Problem {
  const { host, origin } = registry.server
  const meaning = meaningOf(answer, registry.server)
  const what = `${host} refused ${title(gem)}: ${describe(answer)}.`
  if (meaning === 'not-attached') {
    return {
      code: 'push-refused',
      what,
      why: `The key is valid (${key.source}${key.name === undefined ? '' : `, “${key.name}”`}), but ${gem.name} does not trust this workflow.`,
      fix: `Add this workflow as a trusted publisher on ${origin}/gems/${gem.name}. A gem that was never published needs a pending trusted publisher in your profile, which is good for 12 hours. If another gem trusts the same workflow with an environment and this one without, give both the same.`,
    }
  }
  if (meaning === 'all-yanked') {
    return {
      code: 'push-refused',
      what,
      why: 'All versions of this gem were yanked; with them its owners and trusted publishers are gone.',
      fix: 'Create a pending trusted publisher for the name in your profile, and bump the version.',
    }
  }
  if (meaning === 'key-refused') {
    return {
      code: 'push-refused',
      what,
      why: `The key (${key.source}) is unknown there or has expired.`,
      fix: 'Check the token, or use a trusted publisher, which needs none.',
    }
  }
  return {
    code: 'push-refused',
    what,
    fix:
      adviceFor(answer) ??
      'Correct what the registry names. What was published before this gem stays published; a re-run does not send it again.',
  }
}
