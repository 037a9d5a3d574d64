import { describe, expect, it } from 'vitest'
import { type Extension, EXTENSIONS } from '../../sandbox/sigstore/certificate.ts'
import { oid, sequence, utf8 } from '../../sandbox/sigstore/der.ts'
import { FULCIO_OID } from '../../sandbox/sigstore/identity.ts'
import type { JobClaims } from '../../sandbox/oidc.ts'
import { ReleaseError } from '../../src/errors.ts'
import { examine } from '../../src/sigstore/examine.ts'
import { predictIdentity } from '../../src/sigstore/identity.ts'
import { JOB, TestWorld } from './world.ts'

const GITHUB = 'https://token.actions.githubusercontent.com'
const CALLEE = 'boats/shared/.github/workflows/gem.yml'

const replace =
  (id: string, value: Buffer | undefined) =>
  (extensions: Extension[]): Extension[] =>
    extensions.flatMap((one) => (one.oid === id ? (value === undefined ? [] : [{ ...one, value }]) : [one]))

const chained =
  (...changes: ((extensions: Extension[]) => Extension[])[]) =>
  (extensions: Extension[]): Extension[] =>
    changes.reduce((list, change) => change(list), extensions)

const EKU = EXTENSIONS.codeSigning.oid
const SAN = EXTENSIONS.alternativeUri('').oid
const name = (uri: string): Buffer => EXTENSIONS.alternativeUri(uri).value

/** Certificates that the sandbox's Fulcio would never give, and what our look at them and the registry say. */
export const CERTIFICATES: [string, (extensions: Extension[]) => Extension[], RegExp, number, string][] = [
  [
    'on the word of another issuer',
    chained(
      replace(`${FULCIO_OID}.1`, Buffer.from('https://gitlab.com')),
      replace(`${FULCIO_OID}.8`, utf8('https://gitlab.com')),
    ),
    /on the word of https:\/\/gitlab\.com/,
    422,
    `Attestation verification failed:\nNo policy matched: Certificate's OIDCIssuer does not match (got https://gitlab.com, expected ${GITHUB}), Certificate's OIDCIssuerV2 does not match (got https://gitlab.com, expected ${GITHUB})`,
  ],
  [
    'without an issuer',
    chained(replace(`${FULCIO_OID}.1`, undefined), replace(`${FULCIO_OID}.8`, undefined)),
    /on the word of nobody/,
    422,
    'Attestation verification failed:\nNo policy matched: Certificate does not contain OIDCIssuer (1.3.6.1.4.1.57264.1.1) extension, Certificate does not contain OIDCIssuerV2 (1.3.6.1.4.1.57264.1.8) extension',
  ],
  [
    'of another workflow',
    replace(SAN, name('https://github.com/boats/paper/.github/workflows/other.yml@refs/tags/v1.0.0')),
    /signed by the workflow other\.yml of boats\/paper/,
    422,
    'Attestation verification failed:\nCertificate\'s SANs do not match https://github.com/boats/paper/.github/workflows/release.yml@refs/tags/v1.0.0; actual SANs: [[:uniformResourceIdentifier, "https://github.com/boats/paper/.github/workflows/other.yml@refs/tags/v1.0.0"]]',
  ],
  [
    'of another repository',
    replace(SAN, name('https://github.com/mallory/paper/.github/workflows/release.yml@refs/tags/v1.0.0')),
    /of mallory\/paper, but the gem is published by/,
    422,
    "Attestation verification failed:\nCertificate's SANs do not match",
  ],
  [
    'of no workflow',
    replace(SAN, name('https://example.com/')),
    /is no workflow on github\.com/,
    422,
    "Attestation verification failed:\nCertificate's SANs do not match",
  ],
  [
    'with another ref of the run',
    replace(`${FULCIO_OID}.14`, utf8('refs/heads/main')),
    /at the ref of the run, refs\/heads\/main/,
    422,
    "Attestation verification failed:\nCertificate's SANs do not match https://github.com/boats/paper/.github/workflows/release.yml@refs/heads/main;",
  ],
  [
    'without a ref of the run',
    replace(`${FULCIO_OID}.14`, undefined),
    /at the ref of the run, \(none\)/,
    422,
    "Attestation verification failed:\nCertificate's SANs do not match https://github.com/boats/paper/.github/workflows/release.yml@;",
  ],
  [
    'for servers',
    replace(EKU, sequence(oid('1.3.6.1.5.5.7.3.1'))),
    /not one for signing code/,
    422,
    'Error verifying sigstore attestation:\nexpected certificate to be leaf\n',
  ],
]

describe('the identity in a certificate', () => {
  it.each(CERTIFICATES)('%s is explained, and refused by the registry', async (_, tamper, seen, status, text) => {
    await using honest = await TestWorld.start()
    await using world = await TestWorld.start({ tamper })
    const gem = world.gem('paper-boat')
    // Our own signing stops here already, before anything is entered into the log.
    const failure = await world
      .attester()
      .attest(gem)
      .catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(ReleaseError)
    expect(world.sigstore.log.size).toBe(honest.sigstore.log.size)
    const bundle = await world.signedElsewhere(gem)
    const jobWorkflowRef = `${JOB.repository}/.github/workflows/${JOB.workflowFile}@${JOB.ref}`
    expect(examine(bundle, { jobWorkflowRef }).problems.join('; ')).toMatch(seen)
    const answer = await world.push(gem, [bundle])
    expect(answer.status).toBe(status)
    expect(answer.text).toContain(text)
  })
})

function claims(job: Partial<JobClaims>): Parameters<typeof predictIdentity>[0] {
  const { repository, ref, workflowFile, jobWorkflowRef } = { ...JOB, ...job }
  return {
    issuer: GITHUB,
    repository,
    ref,
    jobWorkflowRef: jobWorkflowRef ?? `${repository}/.github/workflows/${workflowFile}@${ref}`,
  }
}

describe('the identity of a job', () => {
  it.each<[string, Partial<JobClaims>, RegExp | undefined]>([
    ['a workflow of the repository, by tag', {}, undefined],
    ['the same, by branch', { ref: 'refs/heads/main' }, undefined],
    ['a ref with a comma and an at sign', { ref: 'refs/tags/v1,0@2' }, undefined],
    [
      'a reusable workflow of the repository',
      { jobWorkflowRef: `boats/paper/.github/workflows/gem.yml@${JOB.ref}` },
      undefined,
    ],
    [
      'the same at another ref',
      { jobWorkflowRef: 'boats/paper/.github/workflows/gem.yml@refs/heads/main' },
      /gem\.yml is used at refs\/heads\/main, while the run is at refs\/tags\/v1\.0\.0/,
    ],
    [
      'one of another repository, by commit',
      { jobWorkflowRef: `${CALLEE}@${'a'.repeat(40)}` },
      /reusable workflow gem\.yml of boats\/shared: the certificate names it with its own ref a{40}/,
    ],
    ['one of another repository, by tag', { jobWorkflowRef: `${CALLEE}@refs/tags/v3` }, /its own ref refs\/tags\/v3/],
    [
      'one of another repository at a ref of the same name',
      { ref: 'refs/heads/main', jobWorkflowRef: `${CALLEE}@refs/heads/main` },
      undefined,
    ],
    [
      'a run without a ref',
      { ref: '', jobWorkflowRef: `boats/paper/.github/workflows/release.yml@${'b'.repeat(40)}` },
      /the run has no ref/,
    ],
  ])('%s: what is predicted, is what the registry says', async (_, job, because) => {
    const predicted = predictIdentity(claims(job))
    expect(predicted.accepted ? 'accepted' : predicted.because).toMatch(because ?? /^accepted$/)
    await using world = await TestWorld.start()
    const full = { ...JOB, ...job }
    const gem = world.gem('paper-boat', full)
    const bundle = await world.signedElsewhere(gem, full)
    // Some of these get no key in the first place: then no attestation of theirs is ever looked at.
    const { status } = await world.push(gem, [bundle], full)
    expect(because === undefined ? [200] : [422, 401]).toContain(status)
    const problems = examine(bundle, {}).problems
    expect(problems.length === 0).toBe(because === undefined)
  })

  it('is refused before Fulcio is asked, with both names and a way out', async () => {
    await using world = await TestWorld.start()
    const job = { ...JOB, jobWorkflowRef: `${CALLEE}@${'a'.repeat(40)}` }
    const failure = world.attester(job).attest(world.gem('paper-boat', job))
    await expect(failure).rejects.toMatchObject({
      problems: [
        {
          code: 'attestation-failed',
          why: `The certificate would be for https://github.com/${CALLEE}@${'a'.repeat(40)}, and the registry asks for https://github.com/${CALLEE}@refs/tags/v1.0.0.`,
        },
      ],
    })
    expect(world.requests.map(({ service }) => service)).not.toContain('fulcio')
  })

  it('with the enterprise’s own issuer is not accepted', () => {
    const predicted = predictIdentity({ ...claims({}), issuer: `${GITHUB}/boats` })
    expect(predicted).toMatchObject({ accepted: false })
  })

  it('outside of a workflow file is not accepted', () => {
    expect(predictIdentity({ ...claims({}), jobWorkflowRef: '' })).toMatchObject({ accepted: false })
  })
})
