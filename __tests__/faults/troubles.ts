import { setTimeout as pause } from 'node:timers/promises'
import { altered, answer, type Exchange, FAULTS, type FaultName, redirect } from '../../sandbox/faults.ts'
import type { SandboxResponse } from '../../sandbox/messages.ts'

/** What a fault needs of the case it strikes in. */
export interface Stage {
  /** Lets virtual time pass until this exchange is given up by the client. */
  untilGivenUp(exchange: Exchange): Promise<void>
  /** Ends the life of every key. */
  expireKeys(): void
  /** Where a redirect leads. */
  otherServer: string
}

/** Plays inside the service that was asked. */
export type Play = (exchange: Exchange, stage: Stage) => Promise<SandboxResponse | undefined>

/** Faults before any service is reached: the request goes somewhere else. */
export const REROUTES = [
  'refused',
  'unresolvable',
  'silent',
  'tls-unknown-issuer',
  'tls-other-host',
  'tls-expired',
] as const
export type Reroute = (typeof REROUTES)[number]

const json = (status: number, value: unknown, headers: Record<string, string> = {}): Play =>
  answer(status, JSON.stringify(value), { 'content-type': 'application/json', ...headers })

const text = (status: number, body: string): Play => answer(status, body)

/** The service's own JSON with some of its fields replaced. */
function withFields(fields: object): Play {
  return altered((real, body) => {
    const value: object = JSON.parse(body)
    return { ...real, body: JSON.stringify({ ...value, ...fields }) }
  })
}

/** GitHub's primary limit, which ends in so many seconds by its own clock. */
function hourlyLimit(seconds: number): Play {
  const date = new Date('2026-03-01T12:00:00Z')
  return json(
    403,
    { message: 'API rate limit exceeded for installation.' },
    {
      date: date.toUTCString(),
      'x-ratelimit-remaining': '0',
      'x-ratelimit-reset': String(date.getTime() / 1000 + seconds),
    },
  )
}

async function drained({ request }: Exchange): Promise<void> {
  for await (const chunk of request) void chunk
}

/** Patience of the clients is virtual, so that waiting for it costs nothing. */
const WAITING = {
  stall: async (exchange, stage) => {
    await drained(exchange)
    await stage.untilGivenUp(exchange)
    return undefined
  },
  'stall-unread': async (exchange, stage) => {
    await stage.untilGivenUp(exchange)
    return undefined
  },
  'stall-after': async (exchange, stage) => {
    await exchange.handle()
    await drained(exchange)
    await stage.untilGivenUp(exchange)
    return undefined
  },
  trickle: async (exchange, stage) => {
    await drained(exchange)
    exchange.response.writeHead(200, { 'content-type': 'application/json' })
    const drip = async (): Promise<void> => {
      while (!exchange.response.destroyed) {
        exchange.response.write(' ')
        await pause(2)
      }
    }
    await Promise.all([drip(), stage.untilGivenUp(exchange)])
    return undefined
  },
} satisfies Record<string, Play>

const ANSWERS = {
  '400': text(400, 'Bad request'),
  '401': text(401, 'Access Denied. Please sign up for an account at https://rubygems.org'),
  '403': json(403, { message: 'Resource not accessible by integration' }),
  '404': json(404, { error: 'Not Found', message: 'Not Found' }),
  '404-html': answer(404, '<html>nothing here</html>', { 'content-type': 'text/html' }),
  '408': text(408, 'Too slow'),
  '409': json(409, { message: 'Git Repository is empty.' }),
  '410': text(410, 'Gone'),
  '413': answer(413, '<html>413 Request Entity Too Large</html>', { 'content-type': 'text/html' }),
  '422': json(422, { message: 'Validation Failed' }),
  '425': text(425, 'Too early'),
  '507': text(507, 'Insufficient storage'),
  '429-absurd': answer(429, 'Retry later\n', { 'retry-after': '90000' }),
  '429-past': answer(429, 'Retry later\n', { 'retry-after': 'Thu, 01 Jan 2026 00:00:00 GMT' }),
  '429-nonsense': answer(429, 'Retry later\n', { 'retry-after': 'soon' }),
  '503-retry-after': answer(503, 'Busy', { 'retry-after': '11' }),
  'github-secondary': json(
    403,
    { message: 'You have exceeded a secondary rate limit.' },
    { 'retry-after': '13', 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '9999999999' },
  ),
  'github-secondary-bare': json(403, { message: 'You have exceeded a secondary rate limit.' }),
  'github-hour-soon': hourlyLimit(120),
  'github-hour': hourlyLimit(3000),
  'github-ruleset': json(422, { message: 'Repository rule violations found\n\nCannot create ref' }),
  'id-token-pending': json(403, { message: "Can't issue ID_TOKEN for job in 'Pending' state" }),
  'redirect-elsewhere': async (exchange, stage) => redirect(307, `${stage.otherServer}/moved`)(exchange),
  'redirect-after': async (exchange, stage) => {
    await exchange.handle()
    return redirect(303, `${stage.otherServer}/moved`)(exchange)
  },
  'list-with-number': altered((real, body) => ({ ...real, body: body.replace(/\]$/, ',42]') })),
  'push-exists': text(409, 'Repushing of gem versions is not allowed.\nPlease bump the version number.'),
  'push-unfinished': text(409, 'It appears that it did not finish pushing.\nPlease contact support@rubygems.org.'),
  'push-yanked': text(409, 'A yanked version already exists (x-1.0.0).\nRepushing of gem versions is not allowed.'),
  'push-race': text(403, 'There was a problem saving your gem: A version already exists with this number or platform'),
  'push-not-attached': text(403, 'You are not allowed to push this gem.'),
  'push-reserved': text(403, 'This gem name is reserved. You are not allowed to push this gem.'),
  'push-no-pending': text(404, 'No pending publisher found'),
  'push-invalid': text(422, 'RubyGems.org cannot process this gem.\nPlease try rebuilding it.\nError:\nno'),
  'push-not-stored': text(500, 'There was a problem saving your gem. Please try again.'),
  'keys-expire': async ({ handle }, stage) => {
    stage.expireKeys()
    return handle()
  },
  'key-of-another': withFields({
    name: 'GitHub Actions evil/twin @ .github/workflows/release.yml 2026-03-01T12:00:00Z',
  }),
  'key-without-scope': withFields({ scopes: ['show_dashboard'] }),
  'key-malformed': withFields({ rubygems_api_key: 'rubygems_with spaces in it and no hexadecimal digits' }),
  'key-expired': withFields({ expires_at: '2020-01-01T00:00:00.000Z' }),
  'other-digest': altered((real, body) => ({ ...real, body: body.replaceAll(/[0-9a-f]{64}/g, 'ab'.repeat(32)) })),
  'other-platform': altered((real, body) => ({
    ...real,
    body: body.replaceAll('"platform":"ruby"', '"platform":"java"'),
  })),
} satisfies Record<string, Play>

export type Trouble = FaultName | keyof typeof WAITING | keyof typeof ANSWERS | Reroute

const PLAYS: Readonly<Record<string, Play>> = { ...FAULTS, ...WAITING, ...ANSWERS }

export function isReroute(trouble: Trouble): trouble is Reroute {
  return REROUTES.some((reroute) => reroute === trouble)
}

export function playOf(trouble: Trouble): Play {
  const play = PLAYS[trouble]
  if (!play) throw new Error(`${trouble} is not played by a service`)
  return play
}
