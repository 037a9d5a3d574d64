import { describe, expect, it } from 'vitest'
import { aim, type FaultName } from '../../sandbox/faults.ts'
import { size } from '../nightly.ts'
import { EXCHANGE, PUSH } from './cancel-world.ts'
import { expectGreen, newWorld, REPOSITORY, type ScenarioWorld } from './scenario.ts'

/** Answers that stop in the middle: the cause of actions that end with exit code 0 and have done nothing. */
const CUTS = ['reset-mid-answer', 'close-mid-answer'] as const satisfies readonly FaultName[]

type Service = 'oidc' | 'registry' | 'github'

const EDGES: readonly { edge: string; service: Service; target: { method: string; path: RegExp } }[] = [
  { edge: 'ID token', service: 'oidc', target: { method: 'GET', path: /^\/token/ } },
  { edge: 'versions before', service: 'registry', target: { method: 'GET', path: /^\/api\/v1\/versions\// } },
  { edge: 'exchange', service: 'registry', target: EXCHANGE },
  { edge: 'push', service: 'registry', target: PUSH },
  { edge: 'verification', service: 'registry', target: { method: 'GET', path: /^\/api\/v2\// } },
  { edge: 'index', service: 'registry', target: { method: 'GET', path: /^\/info\// } },
  { edge: 'commit', service: 'github', target: { method: 'GET', path: /\/git\/commits\// } },
  { edge: 'tag object', service: 'github', target: { method: 'POST', path: /\/git\/tags$/ } },
  { edge: 'tag', service: 'github', target: { method: 'POST', path: /\/git\/refs$/ } },
]

/** One after the other, where not all are tried. */
function cutsOf(index: number): readonly FaultName[] {
  return size<readonly FaultName[]>(
    CUTS.filter((_, which) => which === index % CUTS.length),
    CUTS,
  )
}

function cut(world: ScenarioWorld, fault: FaultName, { service, target }: (typeof EDGES)[number], times: number): void {
  world.sandbox[service].inject(aim(fault, target, times))
}

describe('an answer that is cut in the middle', () => {
  it.each(EDGES.flatMap((edge, index) => cutsOf(index).map((fault) => ({ ...edge, fault }))))(
    '$edge, $fault: the release is finished all the same',
    async ({ fault, ...edge }) => {
      await using world = await newWorld()
      const sha = await world.repository()
      cut(world, fault, edge, 1)
      const ran = await world.run()
      expectGreen(ran)
      expect(world.sandbox.requests.filter((request) => request.fault === fault)).toHaveLength(1)
      expect(world.published('rack-lens-1.2.3')).toBe(ran.gems[0]?.sha256)
      expect(world.uploads).toHaveLength(1)
      expect(await world.sandbox.github.repository(REPOSITORY).tag('v1.2.3')).toMatchObject({ commit: sha })
    },
  )

  it.each([
    { name: 'ID token', code: 'id-token-failed' },
    { name: 'exchange', code: 'exchange-failed' },
  ])('$name, every time: red, and it says what is out', async ({ name, code }) => {
    await using world = await newWorld()
    await world.repository()
    for (const edge of EDGES.filter((one) => one.edge === name)) {
      cut(world, 'reset-mid-answer', edge, Number.POSITIVE_INFINITY)
    }
    const { step, error } = await world.run()
    expect(step.exitCode).toBe(1)
    expect(error).toContain(`${code}: `)
    expect(step.outputs['published']).toBe('false')
    expect(world.live).toEqual([])
  })

  it('tag, every time: green, because the tag is looked for and found', async () => {
    await using world = await newWorld()
    const sha = await world.repository()
    for (const edge of EDGES.filter((one) => one.edge === 'tag')) {
      cut(world, 'reset-mid-answer', edge, Number.POSITIVE_INFINITY)
    }
    expectGreen(await world.run())
    expect(await world.sandbox.github.repository(REPOSITORY).tag('v1.2.3')).toMatchObject({ commit: sha })
  })
})
