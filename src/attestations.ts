import { ReleaseError } from './errors.ts'
import type { Inputs } from './inputs.ts'
import { title } from './rubygems/versions.ts'
import type { Plan } from './plan/planned.ts'
import type { Release } from './release-context.ts'
import type { BundleFile } from './sigstore/ready-made.ts'
import { sigstoreServices } from './sigstore/services.ts'
import { attest, confirmAttestations } from './steps/attest.ts'
import type { ReleaseGem } from './steps/inspect.ts'
import { files } from './world/files.ts'

type Parts = Pick<Release, 'inputs' | 'run' | 'world'>

/**
 * Gives each gem the bundles it is pushed with, signed by this run or ready-made. Where `attestations: true` has to go on
 * without, that is said here, aloud, and never revised later. Throws ReleaseError (`attestation-failed`, …).
 */
export async function attestAll(
  gems: readonly ReleaseGem[],
  plan: Pick<Plan, 'attest'>,
  { inputs, run, world }: Parts,
): Promise<ReleaseGem[]> {
  if (!plan.attest || gems.length === 0) return [...gems]
  const { bundles, problems } = await attest(gems, {
    input: inputs.attestations === 'required' ? 'required' : 'true',
    files: await bundleFiles(inputs),
    run,
    services: sigstoreServices(inputs.server, world.runner.env),
    world,
  })
  const without = gems.filter((gem) => !bundles.has(gem.sha256))
  if (without.length > 0) {
    const lines = [
      `${without.map(title).join(', ')} will be published without attestations.`,
      ...problems.map(({ what }) => what),
      FINAL,
    ]
    world.runner.warning('Published without attestations', lines.join('\n'))
  }
  return gems.map((gem) => withBundles(gem, bundles.get(gem.sha256)))
}

const FINAL = 'They cannot be added later. `attestations: required` stops here instead, before anything is public.'

function withBundles(gem: ReleaseGem, bundles: ReleaseGem['bundles']): ReleaseGem {
  return bundles === undefined ? gem : { ...gem, bundles }
}

/** Looks whether the registry lists what it was sent; it cannot be mended, so that one missing is said and fails nothing. */
export async function confirmAll(gems: readonly ReleaseGem[], parts: Parts): Promise<void> {
  await Promise.all(gems.map((gem) => confirm(gem, parts)))
}

async function confirm(gem: ReleaseGem, { inputs, world }: Parts): Promise<void> {
  const { host, origin } = inputs.server
  const { bundles = [] } = gem
  if (bundles.length === 0) return
  const page = `${origin}/api/v1/attestations/${gem.fullName}.json`
  const listed = await confirmAttestations(gem, bundles, inputs.server, world).catch((error: unknown) => {
    world.signal.throwIfAborted()
    world.runner.warning('Attestation not confirmed', ReleaseError.from(error).message)
    return undefined
  })
  if (listed === undefined) return
  if (listed === 'listed') {
    world.runner.info(`${host} lists the attestation of ${title(gem)}: ${page}`)
  } else
    world.runner.warning(
      'Attestation not listed',
      `${host} took ${title(gem)}, but does not list its attestation: ${page}`,
    )
}

async function bundleFiles({ attestationBundles, workingDirectory }: Inputs): Promise<BundleFile[]> {
  const matches = await Promise.all(
    attestationBundles.map(async (pattern) => {
      const found = await files.matching(pattern, workingDirectory)
      return found.length > 0 ? found : [pattern]
    }),
  )
  return Promise.all([...new Set(matches.flat())].map(async (name) => ({ name, text: await files.text(name) })))
}
