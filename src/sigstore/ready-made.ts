import { parseJson } from '../json.ts'
import { type Problem, ReleaseError } from '../errors.ts'
import type { AttestedGem, Bundle } from './attester.ts'
import { examine } from './examine.ts'
import type { Expected } from './expected-identity.ts'

/** A file of the input `attestation-bundles`, as read. */
export interface BundleFile {
  /** As the workflow names it. */
  name: string
  /** Absent where there is no such file. */
  text: string | undefined
}

/** Bundles by the SHA-256 of the gem they are for. */
export type BundlesByGem = ReadonlyMap<string, readonly Bundle[]>

/** Larger files are no bundles of gems; a real one has about 10 KiB. */
const LARGEST_FILE = 4 * 1024 * 1024

/**
 * Bundles made elsewhere (`actions/attest`, cosign, sigstore-cli), each given to the gems it is about. One bundle may be
 * about many gems. A file may hold one bundle, a list, or one to the line, as `actions/attest` writes them.
 * Throws ReleaseError with everything that is wrong: `invalid-input` for files, `attestation-failed` for bundles the
 * registry would refuse or that are about no gem of this release.
 */
export function readBundles(
  files: readonly BundleFile[],
  gems: readonly AttestedGem[],
  expected: Expected,
): BundlesByGem {
  const problems: Problem[] = []
  const byGem = new Map<string, Bundle[]>()
  for (const file of files) {
    const values = valuesIn(file)
    if (values === undefined || values.length === 0) problems.push(unreadable(file))
    for (const [index, value] of (values ?? []).entries()) {
      const name = values && values.length > 1 ? `${file.name}, number ${String(index + 1)}` : file.name
      const { bundle, digests, problems: found } = examine(value, expected)
      const about = gems.filter((gem) => digests.includes(gem.sha256))
      if (found.length > 0) problems.push(refused(name, found))
      else if (about.length === 0) problems.push(unrelated(name, digests))
      else for (const { sha256 } of about) byGem.set(sha256, [...(byGem.get(sha256) ?? []), asBundle(bundle)])
    }
  }
  ReleaseError.throwIfAny(problems)
  return byGem
}

function valuesIn({ text }: BundleFile): unknown[] | undefined {
  if (text === undefined || text.length > LARGEST_FILE) return undefined
  const whole = parseJson(text)
  if (whole !== undefined) return Array.isArray(whole) ? whole : [whole]
  const lines = text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map(parseJson)
  return lines.includes(undefined) ? undefined : lines
}

/** Examined without a problem, so that it is an object. */
function asBundle(value: unknown): Bundle {
  return { ...Object(value) }
}

function unreadable({ name, text }: BundleFile): Problem {
  return {
    code: 'invalid-input',
    what:
      text === undefined
        ? `Input \`attestation-bundles\`: there is no file ${name}.`
        : `Input \`attestation-bundles\`: ${name} is not JSON, nor one JSON text to the line.`,
    fix: 'Name the files that hold Sigstore bundles: `${{ steps.attest.outputs.bundle-path }}` of actions/attest, or the file cosign wrote with `--bundle`.',
  }
}

function refused(name: string, found: readonly string[]): Problem {
  return {
    code: 'attestation-failed',
    what: `RubyGems.org would refuse the bundle in ${name}, and the gem with it: ${found.join('; ')}.`,
    why: 'One attestation that does not verify fails the whole push.',
    fix: 'Make the bundle with the public Sigstore instance and Rekor v1, in the workflow that publishes; or remove `attestation-bundles`, and the action signs by itself.',
  }
}

function unrelated(name: string, digests: readonly string[]): Problem {
  return {
    code: 'attestation-failed',
    what: `The bundle in ${name} is about no gem of this release (SHA-256 ${digests.slice(0, 3).join(', ')}).`,
    why: 'A bundle is about exact bytes: a gem that was built again after signing is another one.',
    fix: 'Sign the very files that `gems` names, or remove the bundle.',
  }
}
