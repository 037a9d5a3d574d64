import { bundleToJSON } from '@sigstore/bundle'
import { DSSEBundleBuilder, FulcioSigner, MessageSignatureBundleBuilder, RekorWitness } from '@sigstore/sign'
import type { Sigstore } from '../../sandbox/sigstore/sigstore.ts'
import { isObject } from '../../src/json.ts'
import type { Bundle } from '../../src/sigstore/attester.ts'

/** Bundles by Sigstore's own signing client, which shares no code of ours. */

interface Parts {
  signer: FulcioSigner
  witnesses: RekorWitness[]
}

function parts(token: string, { fulcio, rekor }: Sigstore): Parts {
  const identityProvider = { getToken: async () => token }
  return {
    signer: new FulcioSigner({ fulcioBaseURL: fulcio.url, identityProvider }),
    witnesses: [new RekorWitness({ rekorBaseURL: rekor.url })],
  }
}

/** With the in-toto statement of nobody in particular: the registry looks at its subjects only. */
export async function signStatement(
  subjects: readonly { fullName: string; sha256: string }[],
  token: string,
  sigstore: Sigstore,
): Promise<Bundle> {
  const statement = {
    _type: 'https://in-toto.io/Statement/v1',
    subject: subjects.map(({ fullName, sha256 }) => ({ name: fullName, digest: { sha256 } })),
    predicateType: 'https://example.com/statement',
    predicate: {},
  }
  const artifact = { data: Buffer.from(JSON.stringify(statement)), type: 'application/vnd.in-toto+json' }
  return asBundle(bundleToJSON(await new DSSEBundleBuilder(parts(token, sigstore)).create(artifact)))
}

export async function signFile(bytes: Buffer, token: string, sigstore: Sigstore): Promise<Bundle> {
  const made = await new MessageSignatureBundleBuilder(parts(token, sigstore)).create({ data: bytes })
  // That client still writes version 0.2 for these; otherwise they are the same.
  return { ...asBundle(bundleToJSON(made)), mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json' }
}

function asBundle(value: unknown): Bundle {
  return isObject(value) ? value : {}
}
