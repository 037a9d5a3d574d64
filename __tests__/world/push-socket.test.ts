import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, realpath, rm, stat, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { node24 } from '../../sandbox/runner/execution.ts'
import { listenForPushes, type PushReply, type PushRequest } from '../../src/world/push-socket.ts'

const STAND_IN = path.resolve(import.meta.dirname, '../../src/gem-command.ts')

let directory = ''
let private_ = ''

beforeAll(async () => {
  directory = await realpath(await mkdtemp(path.join(tmpdir(), 'push-socket-')))
  private_ = path.join(directory, 'private')
  await mkdir(private_, { mode: 0o700 })
})

afterAll(async () => {
  await rm(directory, { recursive: true, force: true })
})

interface Ended {
  code: number | null
  stdout: string
  stderr: string
}

/** Runs our stand-in for `gem` as Bundler does. */
async function standIn(args: readonly string[], env: Record<string, string>): Promise<Ended> {
  const child = spawn(node24(), [STAND_IN, ...args], {
    cwd: directory,
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk))
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk))
  await once(child, 'close')
  return { code: child.exitCode, stdout, stderr }
}

const yes = async (): Promise<PushReply> => Promise.resolve({ message: 'done', exitCode: 0 })

describe('a push handed over by the stand-in for gem', () => {
  it('arrives with its arguments and directory, and the answer decides how the stand-in ends', async () => {
    const requests: PushRequest[] = []
    await using socket = await listenForPushes(private_, async (request) => {
      requests.push(request)
      return Promise.resolve({ message: `no. ${String(requests.length)}`, exitCode: requests.length - 1 })
    })
    const env = { RELEASE_GEM_SOCKET: socket.address }
    expect(await standIn(['push', 'a b.gem', '--key', "it's"], env)).toEqual({ code: 0, stdout: 'no. 1\n', stderr: '' })
    const hosts = { RUBYGEMS_HOST: 'https://gems.example.com', GEM_HOST_API_KEY: 'secret' }
    const byName = { ...env, ...hosts, RELEASE_GEM_BY_NAME: '1' }
    expect(await standIn(['push', 'c.gem'], byName)).toMatchObject({ code: 1, stdout: 'no. 2\n' })
    expect(requests).toEqual([
      { args: ['a b.gem', '--key', "it's"], cwd: directory, ownKey: false, byName: false },
      // That there is a key, and not the key.
      {
        args: ['c.gem'],
        cwd: directory,
        environmentHost: 'https://gems.example.com',
        ownKey: true,
        byName: true,
      },
    ])
  })

  it('fails where nobody listens any more', async () => {
    const ended = await standIn(['push', 'a.gem'], { RELEASE_GEM_SOCKET: path.join(directory, 'nobody.sock') })
    expect(ended.code).toBe(1)
    expect(ended.stderr).toBe('release-gem: the action that started this task is gone.\n')
  })

  it('is carried out one at a time', async () => {
    let running = 0
    let most = 0
    await using socket = await listenForPushes(private_, async () => {
      running += 1
      most = Math.max(most, running)
      await sleep(100)
      running -= 1
      return { message: 'done', exitCode: 0 }
    })
    const env = { RELEASE_GEM_SOCKET: socket.address }
    const ended = await Promise.all([1, 2, 3].map(async () => standIn(['push', 'a.gem'], env)))
    expect(ended.map(({ code }) => code)).toEqual([0, 0, 0])
    expect(most).toBe(1)
  })

  it('is not cut off when the task is over, and one that never says what it wants is not waited for', async () => {
    let finished = false
    const socket = await listenForPushes(private_, async () => {
      await sleep(200)
      finished = true
      return { message: 'done', exitCode: 0 }
    })
    const silent = connect(socket.address)
    silent.on('error', () => undefined)
    const killed = connect(socket.address)
    killed.write('{"args":[],"cwd":"/"}\n')
    await sleep(50)
    killed.destroy()
    await socket[Symbol.asyncDispose]()
    expect(finished).toBe(true)
    silent.destroy()
  })

  it.each([
    { what: 'no JSON', line: 'push it\n' },
    { what: 'another shape', line: '{"args":"a.gem","cwd":"/"}\n' },
  ])('is refused as $what', async ({ line }) => {
    await using socket = await listenForPushes(private_, yes)
    const client = connect(socket.address)
    client.write(line)
    let answer = ''
    client.setEncoding('utf8').on('data', (chunk: string) => (answer += chunk))
    await once(client, 'close')
    expect(JSON.parse(answer)).toEqual({ message: 'release-gem: not a push request', exitCode: 1 })
  })

  it('does not go on for ever, and an answer that fails leaves the next one alone', async () => {
    let count = 0
    await using socket = await listenForPushes(private_, async () => {
      count += 1
      if (count === 1) throw new Error('broken')
      return yes()
    })
    const endless = connect(socket.address)
    endless.on('error', () => undefined)
    endless.write('x'.repeat(3 * 1024 * 1024))
    await new Promise((resolve) => endless.once('close', resolve))
    const env = { RELEASE_GEM_SOCKET: socket.address }
    expect((await standIn(['push', 'a.gem'], env)).code).toBe(1)
    expect((await standIn(['push', 'a.gem'], env)).code).toBe(0)
  })

  it('finds the socket also where the path of the private directory is long', async () => {
    const long = path.join(directory, 'd'.repeat(120), `${path.basename(directory)}-private`)
    await mkdir(long, { recursive: true })
    const socket = await listenForPushes(long, yes)
    const place = path.dirname(socket.address)
    expect((await stat(place)).mode & 0o777).toBe(0o700)
    expect((await standIn(['push', 'a.gem'], { RELEASE_GEM_SOCKET: socket.address })).code).toBe(0)
    await socket[Symbol.asyncDispose]()
    await expect(stat(place)).rejects.toThrow('ENOENT')
  })
})

describe('everything else the stand-in is asked for', () => {
  it.each([
    { args: ['build', '-V', 'a b.gemspec'], code: 3, says: 'build|-V|a b.gemspec|' },
    { args: [], code: 3, says: '' },
    { args: ['push', '--help'], code: 3, says: 'push|--help|' },
  ])('is done by gem: $args', async ({ args, code, says }) => {
    const bin = path.join(directory, 'bin')
    await mkdir(bin, { recursive: true })
    await writeFile(
      path.join(bin, 'gem'),
      '#!/bin/sh\nfor word; do printf "%s|" "$word"; done\necho oops >&2\nexit 3\n',
    )
    await chmod(path.join(bin, 'gem'), 0o755)
    const env = { PATH: `${bin}:/usr/bin:/bin`, RELEASE_GEM_SOCKET: '/nowhere' }
    expect(await standIn(args, env)).toEqual({ code, stdout: says, stderr: 'oops\n' })
  })

  it('ends as gem ends when a signal ends it, or is not there', async () => {
    const bin = path.join(directory, 'bin-signal')
    await mkdir(bin, { recursive: true })
    await writeFile(path.join(bin, 'gem'), '#!/bin/sh\nkill -TERM $$\n')
    await chmod(path.join(bin, 'gem'), 0o755)
    expect((await standIn(['build'], { PATH: `${bin}:/usr/bin:/bin` })).code).toBe(143)
    expect(await standIn(['build'], { PATH: '/nowhere' })).toMatchObject({ code: 127 })
  })
})
