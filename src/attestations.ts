import { ReleaseError } from './errors.ts'
import type { Inputs } from './inputs.ts'
import { title } from './rubygems/versions.ts'
import type { Plan } from './plan/planned.ts'
import type { Release } from './release-context.ts'
import { areListed } from './sigstore/published.ts'
import { FINAL, UNATTESTED } from './sigstore/policy.ts'
import type { BundleFile } from './sigstore/ready-made.ts'
import { sigstoreServices } from './sigstore/services.ts'
import { attest, registryAttestations } from './steps/attest.ts'
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
    world.runner.warning(UNATTESTED, lines.join('\n'))
  }
  return gems.map((gem) => withBundles(gem, bundles.get(gem.sha256)))
}

function withBundles(gem: ReleaseGem, bundles: ReleaseGem['bundles']): ReleaseGem {
  return bundles === undefined ? gem : { ...gem, bundles }
}

/**
 * Looks whether the registry lists what it was sent, and what it lists of gems that an earlier run has sent. Neither can
 * be mended: what is missing is said and fails nothing.
 */
export async function confirmAll(
  gems: readonly ReleaseGem[],
  plan: Pick<Plan, 'attest'>,
  parts: ConfirmParts,
): Promise<void> {
  if (!plan.attest) return
  const told = gems.filter((gem) => gem.alreadyPublished || (gem.bundles ?? []).length > 0)
  await Promise.all(told.map((gem) => confirm(gem, parts)))
}

type ConfirmParts = Pick<Release, 'inputs' | 'ledger' | 'world'>

async function confirm(gem: ReleaseGem, { inputs, ledger, world }: ConfirmParts): Promise<void> {
  const { host, origin } = inputs.server
  const { bundles = [] } = gem
  const page = `${origin}/api/v1/attestations/${gem.fullName}.json`
  const listed = await listedOrWarning(gem, 'Attestation not confirmed', { inputs, world })
  if (listed === undefined) return
  const isOurs = bundles.length > 0 && areListed(bundles, listed)
  if (isOurs || (await ofBytes(gem, listed)).length > 0) {
    ledger.attested(gem)
    world.runner.info(`${host} lists the attestation of ${title(gem)}: ${page}`)
  } else if (bundles.length > 0) {
    const text = `${host} took ${title(gem)}, but does not list its attestation: ${page}`
    world.runner.warning('Attestation not listed', text)
  } else world.runner.info(`${title(gem)} was published without an attestation: ${page}`)
}

/** Those of the bundles a registry lists that are about exactly these bytes. */
async function ofBytes(gem: ReleaseGem, listed: readonly unknown[]): Promise<readonly unknown[]> {
  if (listed.length === 0) return []
  const { examine } = await import('./sigstore/lazy.ts')
  return listed.filter((bundle) => examine(bundle, {}).digests.includes(gem.sha256))
}

/**
 * The bundles a gem was published with, as the GitHub Release shows them: our own, or those the registry lists where
 * another run or a release task has pushed it. None where the registry does not say, which is said.
 */
export async function bundlesOf(gem: ReleaseGem, parts: Pick<Parts, 'inputs' | 'world'>): Promise<readonly unknown[]> {
  if (gem.bundles) return gem.bundles
  return ofBytes(gem, (await listedOrWarning(gem, 'Attestation not attached', parts)) ?? [])
}

/** A registry that does not say which attestations it has makes no release fail: undefined then. */
async function listedOrWarning(
  gem: ReleaseGem,
  warning: string,
  { inputs, world }: Pick<Parts, 'inputs' | 'world'>,
): Promise<readonly unknown[] | undefined> {
  return registryAttestations(gem, inputs.server, world).catch((error: unknown) => {
    world.signal.throwIfAborted()
    world.runner.warning(warning, ReleaseError.from(error).message)
    return undefined
  })
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
