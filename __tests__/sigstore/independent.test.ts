import { createHash, verify, X509Certificate } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { bundleFromJSON } from '@sigstore/bundle'
import { TrustedRoot } from '@sigstore/protobuf-specs'
import { toSignedEntity, toTrustMaterial, Verifier } from '@sigstore/verify'
import { objectAt, objectsAt, parseJson, stringAt } from '../../src/json.ts'
import { JOB, TestWorld } from './world.ts'

const bytes = (value: unknown, ...path: string[]): Buffer => Buffer.from(stringAt(value, ...path) ?? '', 'base64')
const sha256 = (...parts: Uint8Array[]): Buffer => createHash('sha256').update(Buffer.concat(parts)).digest()

describe('a bundle of ours, by nothing but node:crypto', () => {
  it('holds a signature, a certificate and a log entry that belong together', async () => {
    await using world = await TestWorld.start()
    const gem = world.gem('paper-boat', undefined, 'arm64-darwin')
    const bundle = await world.attester().attest(gem)
    const root = world.sigstore.trustedRoot

    const leaf = new X509Certificate(bytes(bundle, 'verificationMaterial', 'certificate', 'rawBytes'))
    const chain = objectsAt(objectsAt(root, 'certificateAuthorities')[0], 'certChain', 'certificates')
    const [intermediate, anchor] = chain.map((link) => new X509Certificate(bytes(link, 'rawBytes')))
    if (!intermediate || !anchor) throw new Error('no chain')
    expect(leaf.verify(intermediate.publicKey)).toBe(true)
    expect(intermediate.verify(anchor.publicKey)).toBe(true)
    expect(leaf.subjectAltName).toBe(
      'URI:https://github.com/boats/paper/.github/workflows/release.yml@refs/tags/v1.0.0',
    )

    const envelope = objectAt(bundle, 'dsseEnvelope')
    const payload = bytes(envelope, 'payload')
    const type = 'application/vnd.in-toto+json'
    const signed = Buffer.concat([
      Buffer.from(`DSSEv1 ${String(type.length)} ${type} ${String(payload.length)} `),
      payload,
    ])
    const [signature] = objectsAt(envelope, 'signatures')
    expect(verify('sha256', signed, leaf.publicKey, bytes(signature, 'sig'))).toBe(true)

    const [entry] = objectsAt(bundle, 'verificationMaterial', 'tlogEntries')
    const body = parseJson(bytes(entry, 'canonicalizedBody').toString('utf8'))
    expect(stringAt(body, 'spec', 'payloadHash', 'value')).toBe(sha256(payload).toString('hex'))
    // The sixth entry of six: its only neighbour below the right edge, then the whole left tree.
    const hashes = objectAt(entry, 'inclusionProof')['hashes']
    const [neighbour, left] = Array.isArray(hashes) ? hashes.map((hash) => Buffer.from(String(hash), 'base64')) : []
    if (!neighbour || !left) throw new Error('no proof')
    const own = sha256(Buffer.from([0]), bytes(entry, 'canonicalizedBody'))
    const computed = sha256(Buffer.from([1]), left, sha256(Buffer.from([1]), neighbour, own))
    expect(computed).toEqual(bytes(entry, 'inclusionProof', 'rootHash'))
  })

  it('is taken by Sigstore’s own verifier for what it is', async () => {
    await using world = await TestWorld.start()
    const gem = world.gem('paper-boat')
    const bundle = await world.attester().attest(gem)
    const verifier = new Verifier(toTrustMaterial(TrustedRoot.fromJSON(world.sigstore.trustedRoot)))
    const { identity } = verifier.verify(toSignedEntity(bundleFromJSON(bundle)))
    expect(identity?.extensions?.issuer).toBe('https://token.actions.githubusercontent.com')
  })
})

describe('the statement', () => {
  it('says which gem came out of which run, by SLSA provenance v1', async () => {
    await using world = await TestWorld.start()
    const job = { ...JOB, sha: 'c'.repeat(40), runId: '77', runAttempt: '2', repositoryId: '5', ownerId: '6' }
    const gem = world.gem('paper-boat', job)
    const bundle = await world.attester(job).attest(gem)
    expect(parseJson(bytes(bundle, 'dsseEnvelope', 'payload').toString('utf8'))).toEqual({
      _type: 'https://in-toto.io/Statement/v1',
      subject: [{ name: 'paper-boat-1.0.0.gem', digest: { sha256: gem.sha256 } }],
      predicateType: 'https://slsa.dev/provenance/v1',
      predicate: {
        buildDefinition: {
          buildType: 'https://actions.github.io/buildtypes/workflow/v1',
          externalParameters: {
            workflow: {
              ref: 'refs/tags/v1.0.0',
              repository: 'https://github.com/boats/paper',
              path: '.github/workflows/release.yml',
            },
          },
          internalParameters: {
            github: {
              event_name: 'push',
              repository_id: '5',
              repository_owner_id: '6',
              runner_environment: 'github-hosted',
            },
          },
          resolvedDependencies: [
            { uri: 'git+https://github.com/boats/paper@refs/tags/v1.0.0', digest: { gitCommit: 'c'.repeat(40) } },
          ],
        },
        runDetails: {
          builder: { id: 'https://github.com/boats/paper/.github/workflows/release.yml@refs/tags/v1.0.0' },
          metadata: { invocationId: 'https://github.com/boats/paper/actions/runs/77/attempts/2' },
        },
      },
    })
  })
})
