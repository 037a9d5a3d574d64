import { decodeJwt } from 'jose'
import { describe, expect, it } from 'vitest'
import { aim, type Fault } from '../../sandbox/faults.ts'
import { accountId } from '../../sandbox/oidc.ts'
import type { PublisherForm } from '../../sandbox/registry/administration.ts'
import type { Sandbox } from '../../sandbox/sandbox.ts'
import { prebuilt } from './prebuilt.ts'
import { expectRefused } from './refusal.ts'
import { newWorld, PUBLISHER, type RunOptions } from './scenario.ts'

type Claims = Record<string, unknown>

interface Row {
  /** The check that refuses, counted as in facts §1.2 (order of checks) and §1.3 (what must match). */
  check: string
  refused: string
  /** What the trusted publisher holds, where that is not what the job has. */
  form?: Partial<PublisherForm>
  run?: RunOptions
  /** The token in place of the one that GitHub would issue. */
  token?: (claims: Claims, sandbox: Sandbox) => Promise<string>
  says: readonly (string | RegExp)[]
}

/** The token endpoint gives out another token than it should. */
function issuing({ sandbox, make }: { sandbox: Sandbox; make: NonNullable<Row['token']> }): Fault {
  return {
    name: 'another token',
    times: Number.POSITIVE_INFINITY,
    on: ({ path }) => path.startsWith('/token'),
    play: async ({ handle }) => {
      const real = await handle()
      if (typeof real.body !== 'string') throw new Error('the token endpoint did not answer')
      const { value }: { value: string } = JSON.parse(real.body)
      return { ...real, body: JSON.stringify({ value: await make(decodeJwt(value), sandbox) }) }
    },
  }
}

/** The issuer's own signature under other claims; undefined takes one away. */
function signed(changes: Claims, header: { kid?: string } = {}): NonNullable<Row['token']> {
  return (claims, { oidc }) => oidc.sign({ ...claims, ...changes }, header)
}

const seconds = (ahead: number): number => Math.floor(Date.now() / 1000) + ahead

const CALLED = 'octo/workflows/.github/workflows/gem.yml@refs/heads/main'
const FORM = { repository: 'octo/rack-lens', workflow: 'release.yml' }

const NOT_FOUND: Row[] = [
  {
    check: '§1.2, 4',
    refused: 'a token that is not valid yet',
    token: (claims, { oidc }) => oidc.sign({ ...claims, nbf: seconds(60), exp: seconds(900) }),
    says: [/good from \d{4}-.* UTC to .* UTC, but the registry’s clock shows .* UTC/, 'Re-run the job'],
  },
  {
    check: '§1.2, 4',
    refused: 'a token that has expired',
    token: (claims, { oidc }) => oidc.sign({ ...claims, nbf: seconds(-900), exp: seconds(-1) }),
    says: ['the registry’s clock shows', 'each run gets a new token'],
  },
  {
    check: '§1.2, 5',
    refused: 'the issuer of an enterprise',
    token: signed({ iss: 'https://token.actions.githubusercontent.com/octo-corp' }),
    says: ['issued by https://token.actions.githubusercontent.com/octo-corp', 'include_enterprise_slug', 'api-token'],
  },
  {
    check: '§1.2, 7',
    refused: 'a key the registry has not fetched yet',
    token: signed({}, { kid: 'rotated-today' }),
    says: ['signing key rotated-today', 'every half hour'],
  },
  {
    check: '§1.2, 7',
    refused: 'a signature of something else',
    token: async (claims, { oidc }) => {
      const [head, payload] = (await oidc.sign(claims)).split('.')
      const [, , signature] = (await oidc.sign({ ...claims, jti: 'another' })).split('.')
      return [head, payload, signature].join('.')
    },
    says: ['GitHub’s signing key', 're-run the job then'],
  },
  {
    check: '§1.3, repository',
    refused: 'another owner',
    form: { repository: 'octo-labs/rack-lens' },
    says: ['Repository owner: octo\n', 'no trusted publisher', 'pending trusted publisher', '12 hours'],
  },
  {
    check: '§1.3, repository',
    refused: 'another repository',
    form: { repository: 'octo/rack-lenses' },
    says: ['Repository name: rack-lens\n'],
  },
  {
    check: '§1.3, repository',
    refused: 'a repository in other letters',
    form: { repository: 'Octo/Rack-Lens' },
    says: ['Repository owner: octo\n', 'Repository name: rack-lens\n', 'upper and lower case'],
  },
  {
    check: '§1.3, repository_owner_id',
    refused: 'an account that was re-created under its name',
    form: { ownerId: '1' },
    says: [`its id is ${accountId('octo')}`, 'delete the publisher and create it again'],
  },
  {
    check: '§1.3, job_workflow_ref',
    refused: 'another workflow file',
    run: { workflowFile: 'publish-gem.yml' },
    says: ['Workflow filename: publish-gem.yml\n'],
  },
  {
    check: '§1.3, environment',
    refused: 'a job without the publisher’s environment',
    form: { environment: 'rubygems' },
    says: ['this job has none', 'Environment: (leave empty)'],
  },
  {
    check: '§1.3, environment',
    refused: 'a job in another environment',
    form: { environment: 'rubygems' },
    run: { environment: 'production' },
    says: ['environment "production"', 'Environment: production'],
  },
  {
    check: '§1.3, workflow repository',
    refused: 'a called workflow, where the form has the caller',
    run: { jobWorkflowRef: CALLED },
    says: [
      'reusable workflow gem.yml of octo/workflows',
      'not release.yml',
      'Workflow filename: gem.yml',
      'Workflow repository: octo/workflows',
    ],
  },
  {
    check: '§1.3, workflow repository',
    refused: 'a called workflow of the same name, where the form has no workflow repository',
    run: { jobWorkflowRef: CALLED.replace('gem.yml', 'release.yml') },
    says: ['reusable workflow release.yml of octo/workflows', 'Workflow repository: octo/workflows'],
  },
  {
    check: '§1.3, workflow repository',
    refused: 'a called workflow of another repository than the form’s',
    form: { workflow: 'gem.yml', workflowRepository: 'octo/actions' },
    run: { jobWorkflowRef: CALLED },
    says: ['Workflow repository: octo/workflows'],
  },
  {
    check: '§1.3, workflow repository',
    refused: 'a job of its own workflow, where the form has a workflow repository',
    form: { workflowRepository: 'octo/workflows' },
    says: ['Workflow filename: release.yml', 'Workflow repository: (leave empty)'],
  },
  {
    check: '§1.3, aud',
    refused: 'a token for another audience',
    run: { with: { audience: 'gems.example' } },
    says: ['audience "gems.example"', 'only "rubygems.org"', 'Remove the input `audience`'],
  },
  {
    check: '§1.3, job_workflow_ref',
    refused: 'a called workflow of the same repository at another ref',
    form: { workflow: 'gem.yml' },
    run: { jobWorkflowRef: 'octo/rack-lens/.github/workflows/gem.yml@refs/tags/v1' },
    says: ['gem.yml at refs/tags/v1', 'the run is at refs/heads/main', 'uses: ./.github/workflows/gem.yml'],
  },
]

describe('an exchange that is refused with the registry’s one 404', () => {
  it.each(NOT_FOUND)('$check: $refused', async ({ form, run, token, says }) => {
    await using world = await newWorld()
    await world.repository(undefined, { gems: [] })
    const { sandbox } = world
    sandbox.registry.addTrustedPublisher({ gem: 'rack-lens', ...FORM, ...form })
    if (token) sandbox.oidc.inject(issuing({ sandbox, make: token }))
    await expectRefused(world, { ...prebuilt(undefined, run), code: 'exchange-refused', says })
    expect(world.exchanges).toHaveLength(1)
    expect(world.uploads).toEqual([])
  })

  it('§1.2, 6: a copy of GitHub’s keys that is older than a day', async () => {
    let ahead = 0
    await using world = await newWorld({ clock: () => new Date(Date.now() + ahead) })
    await world.repository()
    const { oidc, registry } = world.sandbox
    await registry.refreshProvider()
    oidc.inject(aim('500', { path: /jwks/ }))
    ahead = 25 * 60 * 60 * 1000
    await expectRefused(world, {
      ...prebuilt(),
      code: 'exchange-refused',
      says: ['GitHub’s signing key', 're-run the job then', 'Workflow filename: release.yml'],
    })
    expect(world.uploads).toEqual([])
  })
})

describe('an exchange that is refused as malformed', () => {
  const MALFORMED: { check: string; refused: string; make: NonNullable<Row['token']>; says: string }[] = [
    {
      check: '§1.2, 2',
      refused: 'three segments that hold no JSON',
      make: async () => ['header', 'payload', 'signature'].map((part) => part.repeat(4)).join('.'),
      says: 'unexpected token',
    },
    ...['nbf', 'iat', 'exp'].map((claim) => {
      return {
        check: '§1.2, 3',
        refused: `a token whose ${claim} is no number`,
        make: signed({ [claim]: 'soon' }),
        says: `Missing/invalid ${claim}`,
      }
    }),
    ...['iss', 'jti'].map((claim) => {
      return {
        check: '§1.2, 3',
        refused: `a token without ${claim}`,
        make: signed({ [claim]: undefined }),
        says: `Missing/invalid ${claim}`,
      }
    }),
  ]

  it.each(MALFORMED)('$check: $refused', async ({ make, says }) => {
    await using world = await newWorld()
    await world.repository()
    const { sandbox } = world
    sandbox.oidc.inject(issuing({ sandbox, make }))
    await expectRefused(world, {
      ...prebuilt(),
      code: 'exchange-failed',
      says: ['the answer was 400', says, 'did not arrive as GitHub issued it'],
    })
    expect(world.exchanges).toHaveLength(1)
  })

  it('§1.2, 1: a request whose body got lost on its way', async () => {
    await using world = await newWorld()
    await world.repository()
    const { registry } = world.sandbox
    registry.inject({
      name: 'body lost',
      times: 1,
      on: ({ path }) => path.endsWith('/exchange_token'),
      play: async ({ request }) => {
        for await (const chunk of request) void chunk
        const headers = { 'content-type': 'application/json' }
        const answer = await fetch(new URL(request.url ?? '', registry.url), { method: 'POST', headers, body: '{}' })
        return { status: answer.status, body: await answer.text(), headers }
      },
    })
    await expectRefused(world, {
      ...prebuilt(),
      code: 'exchange-failed',
      says: ["Request is missing param 'jwt'", 'something between this runner and the registry'],
    })
    expect(world.uploads).toEqual([])
  })
})

describe('a pending trusted publisher', () => {
  it('§1.6: that has expired still gives a key, which may push nothing', async () => {
    let ahead = 0
    await using world = await newWorld({ clock: () => new Date(Date.now() + ahead) })
    await world.repository(undefined, { gems: [] })
    world.sandbox.registry.addPendingPublisher({ gem: 'rack-lens', ...PUBLISHER })
    ahead = 13 * 60 * 60 * 1000
    await expectRefused(world, {
      ...prebuilt(),
      code: 'push-refused',
      says: ['rack-lens does not trust this workflow', 'pending trusted publisher', 'good for 12 hours'],
    })
    expect(world.uploads.map(({ status }) => status)).toEqual([403])
  })
})
