import { describe, expect, it } from 'vitest'
import { gemServer } from '../../src/server.ts'
import { type AttestationQuestion, decideAttestations } from '../../src/sigstore/policy.ts'
import { sigstoreServices } from '../../src/sigstore/services.ts'

const RUBYGEMS = gemServer(new URL('https://rubygems.org'))
const OTHER = gemServer(new URL('https://gems.example.com'))
const LOOPBACK = gemServer(new URL('http://127.0.0.1:4000'))
const PUBLIC = { repository: { private: false, visibility: 'public' } }

const USUAL: AttestationQuestion = {
  input: 'true',
  server: RUBYGEMS,
  authentication: 'trusted-publisher',
  event: PUBLIC,
  bundlesGiven: false,
  canSign: true,
  commit: 'a1'.repeat(20),
  certified: 'a1'.repeat(20),
}

const ELSEWHERE = { certified: 'b2'.repeat(20) }

type Verdict = 'attest' | 'without' | 'refused'

function verdict(question: Partial<AttestationQuestion>): Verdict {
  const decision = decideAttestations({ ...USUAL, ...question })
  if ('refused' in decision) return 'refused'
  return decision.attest ? 'attest' : 'without'
}

describe('whether to attest', () => {
  it.each<[string, Partial<AttestationQuestion>, Record<'true' | 'required' | 'false', Verdict>]>([
    ['a trusted publisher', {}, { true: 'attest', required: 'attest', false: 'without' }],
    ['an event without a repository', { event: {} }, { true: 'attest', required: 'attest', false: 'without' }],
    ['no event', { event: undefined }, { true: 'attest', required: 'attest', false: 'without' }],
    ['a role', { authentication: 'api-key-role' }, { true: 'without', required: 'refused', false: 'without' }],
    ['a token', { authentication: 'api-token' }, { true: 'without', required: 'refused', false: 'without' }],
    ['a key from before', { authentication: 'existing' }, { true: 'without', required: 'attest', false: 'without' }],
    ['another server', { server: OTHER }, { true: 'without', required: 'refused', false: 'without' }],
    ['a rehearsal', { server: LOOPBACK }, { true: 'attest', required: 'attest', false: 'without' }],
    [
      'a rehearsal without Sigstore',
      { server: LOOPBACK, canSign: false },
      { true: 'without', required: 'refused', false: 'without' },
    ],
    [
      'a private repository',
      { event: { repository: { private: true } } },
      { true: 'without', required: 'refused', false: 'without' },
    ],
    [
      'an internal repository',
      { event: { repository: { private: false, visibility: 'internal' } } },
      { true: 'without', required: 'refused', false: 'without' },
    ],
    ['another commit than the run’s', ELSEWHERE, { true: 'without', required: 'refused', false: 'without' }],
    [
      'given bundles and another commit than the run’s',
      { ...ELSEWHERE, bundlesGiven: true },
      { true: 'attest', required: 'attest', false: 'refused' },
    ],
    ['given bundles', { bundlesGiven: true }, { true: 'attest', required: 'attest', false: 'refused' }],
    [
      'given bundles and a role',
      { bundlesGiven: true, authentication: 'api-key-role' },
      { true: 'refused', required: 'refused', false: 'refused' },
    ],
    [
      'given bundles in a private repository',
      { bundlesGiven: true, event: { repository: { private: true } } },
      { true: 'attest', required: 'attest', false: 'refused' },
    ],
    [
      'given bundles and another server',
      { bundlesGiven: true, server: OTHER },
      { true: 'refused', required: 'refused', false: 'refused' },
    ],
  ])('with %s', (_, question, expected) => {
    const inputs = ['true', 'required', 'false'] as const
    const found = Object.fromEntries(inputs.map((input) => [input, verdict({ ...question, input })]))
    expect(found).toEqual(expected)
  })

  it('is said in a sentence, with the way out', () => {
    expect(decideAttestations({ ...USUAL, authentication: 'api-key-role' })).toEqual({
      attest: false,
      because:
        'the key comes from an API key role, and RubyGems.org accepts attestations only with the key of a trusted publisher',
      aloud: false,
    })
    expect(decideAttestations({ ...USUAL, ...ELSEWHERE })).toEqual({
      attest: false,
      because:
        'the gems are of commit a1a1a1a1a1a1, and the certificate of this run would name b2b2b2b2b2b2, the commit that started it',
      aloud: true,
    })
    expect(decideAttestations({ ...USUAL, input: 'required', server: OTHER })).toEqual({
      refused: {
        code: 'invalid-input',
        what: 'Attestations are required, but gems.example.com is not known to accept attestations.',
        fix: 'Set `attestations: false` for this gem server.',
      },
    })
  })
})

const LOCAL = { RELEASE_GEM_FULCIO_URL: 'http://127.0.0.1:1', RELEASE_GEM_REKOR_URL: 'http://localhost:2' }

function urls(...input: Parameters<typeof sigstoreServices>): string[] | undefined {
  const services = sigstoreServices(...input)
  return services && [services.fulcio.origin, services.rekor.origin]
}

describe('where to sign', () => {
  it('is the public instance, whatever the environment says', () => {
    const expected = ['https://fulcio.sigstore.dev', 'https://rekor.sigstore.dev']
    expect(urls(RUBYGEMS, {})).toEqual(expected)
    expect(urls(RUBYGEMS, LOCAL)).toEqual(expected)
    expect(urls(OTHER, LOCAL)).toEqual(expected)
  })

  it('is loopback for a registry on loopback, or nowhere', () => {
    expect(urls(LOOPBACK, LOCAL)).toEqual(['http://127.0.0.1:1', 'http://localhost:2'])
    expect(urls(LOOPBACK, {})).toBeUndefined()
    expect(urls(LOOPBACK, { ...LOCAL, RELEASE_GEM_REKOR_URL: 'https://rekor.sigstore.dev' })).toBeUndefined()
    expect(urls(LOOPBACK, { ...LOCAL, RELEASE_GEM_FULCIO_URL: 'http://127.0.0.1.example.com' })).toBeUndefined()
    expect(urls(LOOPBACK, { ...LOCAL, RELEASE_GEM_FULCIO_URL: 'no address' })).toBeUndefined()
  })
})
