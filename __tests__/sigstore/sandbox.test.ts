import { createHash, generateKeyPairSync, sign } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { inclusionPath, leafHash, nodeHash, rootHash } from '../../sandbox/sigstore/merkle.ts'
import { Sigstore } from '../../sandbox/sigstore/sigstore.ts'
import { proofProblems } from '../../src/sigstore/log-proof.ts'
import { JOB, TestWorld } from './world.ts'

interface CertificateRequest {
  token: string
  subject: string
  key?: string
}

async function askFulcio(world: TestWorld, { token, subject, key }: CertificateRequest): Promise<Response> {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const content = key ?? pair.publicKey.export({ format: 'pem', type: 'spki' })
  const proofOfPossession = sign('sha256', Buffer.from(subject), pair.privateKey).toString('base64')
  return fetch(`${world.sigstore.fulcio.url}/api/v2/signingCert`, {
    method: 'POST',
    body: JSON.stringify({
      credentials: { oidcIdentityToken: token },
      publicKeyRequest: { publicKey: { algorithm: 'ECDSA', content }, proofOfPossession },
    }),
  })
}

const SUBJECT = 'repo:boats/paper:ref:refs/tags/v1.0.0'

describe('the sandbox’s Fulcio', () => {
  it('gives a certificate for a token of its issuer, to whoever holds the key', async () => {
    await using world = await TestWorld.start()
    const token = await world.oidc.mint(JOB, 'sigstore')
    expect((await askFulcio(world, { token, subject: SUBJECT })).status).toBe(200)
  })

  it('refuses tokens for others, of others, without a signature or too old', async () => {
    await using world = await TestWorld.start()
    await using other = await TestWorld.start()
    await other.oidc.rotateKey()
    const good = await world.oidc.mint(JOB, 'sigstore')
    const now = Math.floor(Date.now() / 1000)
    const base = { iss: world.oidc.issuer, aud: 'sigstore', sub: SUBJECT, nbf: now - 600, exp: now + 300 }
    const tokens = {
      'another audience': await world.oidc.mint(JOB, 'rubygems.org'),
      'another issuer’s key': await other.oidc.mint(JOB, 'sigstore'),
      'another issuer': await world.oidc.sign({ ...base, iss: 'https://example.com' }),
      expired: await world.oidc.sign({ ...base, exp: now - 1 }),
      'not yet valid': await world.oidc.sign({ ...base, nbf: now + 600 }),
      'no signature': `${good.split('.').slice(0, 2).join('.')}.AAAA`,
      'no token': 'x',
    }
    for (const [name, token] of Object.entries(tokens)) {
      expect([name, (await askFulcio(world, { token, subject: SUBJECT })).status]).toEqual([name, 401])
    }
  })

  it('refuses a key that is none, or whose owner did not sign the subject', async () => {
    await using world = await TestWorld.start()
    const token = await world.oidc.mint(JOB, 'sigstore')
    const foreign = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'pem', type: 'spki' })
    const requests: CertificateRequest[] = [
      { token, subject: SUBJECT, key: 'none' },
      { token, subject: SUBJECT, key: foreign.toString() },
      { token, subject: 'repo:boats/other:ref:refs/tags/v1.0.0' },
    ]
    for (const request of requests) expect((await askFulcio(world, request)).status).toBe(400)
  })
})

describe('the sandbox’s Rekor', () => {
  it('keeps its keys and its log over a restart', async () => {
    await using world = await TestWorld.start()
    const gem = world.gem('paper-boat')
    const bundle = await world.attester().attest(gem)
    const { trustedRoot } = world.sigstore
    const directory = `${world.directory}/sigstore`
    await using again = await Sigstore.start({ directory, jwksUrl: world.oidc.jwksUrl })
    expect(again.trustedRoot).toEqual(trustedRoot)
    expect(again.log.size).toBe(world.sigstore.log.size)
    expect(await world.push(gem, [bundle])).toMatchObject({ status: 200 })
  })

  it('names an equal entry instead of taking it twice, and shows it', async () => {
    await using world = await TestWorld.start()
    await world.attester().attest(world.gem('paper-boat'))
    const request = world.requests.find(({ service }) => service === 'rekor')
    const url = `${world.sigstore.rekor.url}/api/v1/log/entries`
    const answer = await fetch(url, { method: 'POST', body: request?.body.toString('utf8') ?? '' })
    expect(answer.status).toBe(409)
    const shown = await fetch(new URL(answer.headers.get('location') ?? '', url))
    expect(shown.status).toBe(200)
    expect(Object.keys(Object(await shown.json()))).toHaveLength(1)
  })

  it('refuses what it cannot verify or does not know', async () => {
    await using world = await TestWorld.start()
    await world.attester().attest(world.gem('paper-boat'))
    const request = world.requests.find(({ service }) => service === 'rekor')
    const good = request?.body.toString('utf8') ?? ''
    const url = `${world.sigstore.rekor.url}/api/v1/log/entries`
    const bodies = [
      'no JSON',
      '[]',
      '{}',
      good.replace('"kind":"dsse"', '"kind":"rpm"'),
      good.replace(/\\"payload\\":\\"ey/, '\\"payload\\":\\"fy'),
      good.replace(/"verifiers":\["[^"]{8}/, '"verifiers":["AAAAAAAA'),
    ]
    for (const body of bodies) expect((await fetch(url, { method: 'POST', body })).status).toBe(400)
    expect((await fetch(`${url}/${'0'.repeat(64)}`)).status).toBe(404)
    expect((await fetch(`${world.sigstore.rekor.url}/api/v2/log/entries`, { method: 'POST', body: good })).status).toBe(
      404,
    )
  })
})

describe('proofs of inclusion', () => {
  it('lead from every leaf to the root, in trees of every size up to 40', () => {
    const keyId = createHash('sha256').digest()
    const note = (size: number, root: Buffer): string =>
      `log\n${String(size)}\n${root.toString('base64')}\n\n— log ${Buffer.concat([keyId.subarray(0, 4), Buffer.alloc(8)]).toString('base64')}\n`
    for (let size = 1; size <= 40; size++) {
      const bodies = Array.from({ length: size }, (_, index) => Buffer.from(`entry ${String(index)}`))
      const leaves = bodies.map((body) => leafHash(body))
      const root = rootHash(leaves)
      const problems = bodies.flatMap((body, index) =>
        proofProblems({
          logId: { keyId: keyId.toString('base64') },
          canonicalizedBody: body.toString('base64'),
          inclusionProof: {
            logIndex: String(index),
            treeSize: String(size),
            rootHash: root.toString('base64'),
            hashes: inclusionPath(index, leaves).map((hash) => hash.toString('base64')),
            checkpoint: { envelope: note(size, root) },
          },
        }),
      )
      expect(problems).toEqual([])
    }
    expect(rootHash([leafHash(Buffer.from('a')), leafHash(Buffer.from('b'))])).toEqual(
      nodeHash(leafHash(Buffer.from('a')), leafHash(Buffer.from('b'))),
    )
  })
})
