import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { inspect } from 'node:util'
import { searchForSecrets } from '../../sandbox/runner/leaks.ts'
import { type Case, REPOSITORY } from './case.ts'
import type { Run } from './run.ts'
import { targetOf } from './targets.ts'

/** What has to hold after every run, whatever happened in it: the sentences that do not. */
export async function brokenInvariants(it: Case, run: Run): Promise<string[]> {
  return [
    ...when(run.result === 'internal-error', 'the action met something it does not know'),
    ...(run.result === 'green'
      ? await untrueGreen(it, run)
      : when(run.recorder.errors.length !== 1, 'a red run has one annotation')),
    ...doubles(it),
    ...leaks(it, run),
    ...strayCredentials(it),
    ...wrongOrder(it),
    ...otherBytes(it, run),
    ...untrueRecord(it, run),
    ...oddOutputs(run),
    ...tooManyKeys(it, run),
  ]
}

function when(broken: boolean, sentence: string): string[] {
  return broken ? [sentence] : []
}

/** At most one version for a name, number and platform. */
function doubles({ registry }: Case): string[] {
  const names = registry.versions().map(({ fullName }) => fullName)
  return when(new Set(names).size < names.length, `the registry has ${names.join(', ')}`)
}

/** Every planned gem is served with the bytes that were reported, and its tag leads to the commit. */
async function untrueGreen(it: Case, { record }: Run): Promise<string[]> {
  const broken = when(record.gems.length !== it.gems.length, 'a gem of the plan is not reported')
  for (const gem of record.gems) {
    const full = `${gem.name}-${gem.version}${gem.platform === 'ruby' ? '' : `-${gem.platform}`}`
    const served = it.registry.versions(gem.name).find(({ fullName }) => fullName === full)
    broken.push(...when(!served?.indexed || served.sha256 !== gem.sha256, `${full} is not served as reported`))
    const bytes = await readFile(path.join(it.directory, 'registry', 'gems', `${full}.gem`))
    const digest = createHash('sha256').update(bytes).digest('hex')
    broken.push(...when(digest !== gem.sha256, `the bytes of ${full} are others`))
    if (!it.options.tags) continue
    const tag = await it.world.github.repository(REPOSITORY).tag(`${gem.name}-v${gem.version}`)
    broken.push(...when(tag?.commit !== it.world.commit || tag.type !== 'tag', `the tag of ${full} is not there`))
  }
  return broken
}

/**
 * What is reported of a gem is what the registry has, or that it is not known; unless the registry itself has shown
 * another digest. What an earlier run has published is not looked for by one that fails before that.
 */
function untrueRecord(it: Case, { record, result }: Run): string[] {
  if (result === 'verification-failed' || result === 'version-taken') return []
  return record.gems.flatMap(({ name, version, platform, sha256, status }) => {
    const served = it.registry
      .versions(name)
      .some((row) => row.number === version && row.platform === platform && row.sha256 === sha256)
    const claims = status === 'pushed' || status === 'already-published'
    const denies = status === 'failed' || (status === 'not-tried' && it.runs === 1)
    return when(
      (claims && !served) || (denies && served),
      `${name} is ${served ? '' : 'not '}there and said to be ${status}`,
    )
  })
}

/** No secret in any text, in any encoding, and without any help from the runner's masks. */
function leaks(it: Case, { failure, recorder, record }: Run): string[] {
  const secrets = { ...it.secrets }
  for (const [index, { service, headers, body }] of it.requests.entries()) {
    if (service === 'registry' && headers.authorization) secrets[`key ${String(index)}`] = headers.authorization
    const jwt = /"jwt":"([^"]+)"/.exec(body.toString('utf8'))?.[1]
    // What is cut off a text is as secret as the whole.
    for (const [part, text] of jwt?.split('.').entries() ?? []) {
      if (part > 0) secrets[`part ${String(part)} of ID token ${String(index)}`] = text.slice(0, 40)
    }
  }
  const texts = { log: recorder.text, error: inspect(failure, { depth: 9 }), record: JSON.stringify(record) }
  return searchForSecrets({ secrets, roots: [], texts }).map((leak) => `${leak.secret} is in the ${leak.where}`)
}

/** Each credential goes to the one service it is for, and nothing goes anywhere else. */
function strayCredentials(it: Case): string[] {
  const expected = {
    registry: () => [],
    oidc: () => secretsOf(it, 'request token').map((token) => `Bearer ${token}`),
    github: () => secretsOf(it, 'GitHub token').map((token) => `token ${token}`),
  }
  const stray = it.requests.filter(({ service, method, path: where, headers }) => {
    const { authorization } = headers
    if (targetOf(method, where) === 'push') return !/^rubygems_[0-9a-f]{48}$/.test(authorization ?? '')
    const allowed: readonly string[] =
      service === 'registry' || service === 'oidc' || service === 'github' ? expected[service]() : []
    return authorization !== undefined && !allowed.includes(authorization)
  })
  return [
    ...stray.map(({ method, path: where }) => `${method} ${where} carries a credential of somebody else`),
    ...it.requests
      .filter(({ path: where }) => /rubygems_[0-9a-f]|eyJ|ghs_/.test(where))
      .map(() => 'a URL holds a secret'),
    ...it.world.elsewhere.received.map((request) => `${request} arrived where nothing may`),
  ]
}

function secretsOf({ secrets }: Case, kind: string): string[] {
  return Object.entries(secrets).flatMap(([name, value]) => (name.startsWith(kind) ? [value] : []))
}

/** Nothing is sent before all was looked at and prepared, nothing is sent blindly, and nothing is tagged too early. */
function wrongOrder(it: Case): string[] {
  if (it.gems.length > 1) return []
  const order = it.attempts.map(({ target }) => target)
  const makesTag = order.includes('tag-object') || order.includes('tag-ref')
  const needed = makesTag ? (['preflight', 'exchange', 'tag-object'] as const) : (['preflight', 'exchange'] as const)
  const first = order.indexOf('push')
  const pushes = order.flatMap((target, index) => (target === 'push' ? [index] : []))
  const early = pushes.some((index) => needed.some((target) => !order.slice(0, index).includes(target)))
  // Between two pushes of a gem the registry is asked for it, or another key is fetched.
  const blind = pushes.some(
    (index) => index > first && !['verify', 'exchange', 'preflight'].includes(order[index - 1] ?? ''),
  )
  const tagged = order.indexOf('tag-ref')
  return [
    ...when(early, 'a gem was sent before everything was looked at'),
    ...when(blind, 'a gem was sent again without asking'),
    ...when(tagged >= 0 && (!order.includes('verify') || tagged < order.indexOf('verify')), 'the tag came too early'),
  ]
}

/** Whatever arrives whole is what is reported. */
function otherBytes(it: Case, { record }: Run): string[] {
  const digests = new Set(record.gems.map(({ sha256 }) => sha256))
  const whole = it
    .requestsTo('push')
    .filter(({ bodyBytes, headers }) => String(bodyBytes) === headers['content-length'])
  return when(
    whole.some(({ bodySha256 }) => !digests.has(bodySha256)),
    'other bytes were sent than are reported',
  )
}

/** A key is made when one is needed: at first, when it is about to expire, and where an answer was lost. */
function tooManyKeys(it: Case, { took }: Run): string[] {
  const strikes = it.attemptsAt('exchange').length - 1
  const made = it.requestsTo('exchange').filter(({ status }) => status === 201).length
  return when(made > (1 + Math.ceil(took / 780_000)) * it.runs + strikes, `${String(made)} keys were made`)
}

const SHAPES: Readonly<Record<string, RegExp>> = {
  name: /^[\w.-]*$/,
  version: /^[0-9A-Za-z.]*$/,
  tag: /^[\w./-]*$/,
  checksums: /^([0-9a-f]{64} {2}[\w.-]+\n?)*$/,
  published: /^(true|false)$/,
}

function oddOutputs({ record, recorder, result }: Run): string[] {
  const { outputs } = recorder
  const odd = Object.entries(SHAPES).filter(([name, shape]) => !shape.test(outputs[name] ?? 'absent '))
  const gems = record.gems.filter(
    ({ status, sha256 }) =>
      !/^(pushed|already-published|failed|unknown|not-tried)$/.test(status) || !/^[0-9a-f]{64}$/.test(sha256),
  )
  return [
    ...odd.map(([name]) => `output ${name} is ${JSON.stringify(outputs[name])}`),
    ...when(outputs['gems'] !== JSON.stringify(record.gems), 'output gems is not the record'),
    ...gems.map(({ name, status }) => `${name} is reported as ${status}`),
    ...when((result === 'green') !== (outputs['published'] === 'true') && result === 'green', 'green is not published'),
  ]
}
