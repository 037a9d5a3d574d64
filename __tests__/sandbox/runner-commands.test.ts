import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseCommand, WORKFLOW_COMMANDS } from '../../sandbox/runner/command.ts'
import { LineSplitter } from '../../sandbox/runner/lines.ts'
import type { StepResult } from '../../sandbox/runner/step.ts'
import { StepOutput } from '../../sandbox/runner/step-output.ts'
import { shown, World } from './runner-fixture.ts'

function escape(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
}

function parsed(line: string): unknown {
  const command = parseCommand(line)
  return command && [command.name, Object.fromEntries(command.properties), command.data]
}

describe('parsing', () => {
  test.each([
    ['::error::text', ['error', {}, 'text']],
    ['   \u0085\u00a0::error::after white space', ['error', {}, 'after white space']],
    ['::ERROR::any case', ['ERROR', {}, 'any case']],
    ['::warning file=a.rb,line=3,title=x%3Ay%2Cz::m', ['warning', { file: 'a.rb', line: '3', title: 'x:y,z' }, 'm']],
    ['::error title==a=b,empty=,=::%0A%0D%25%3A', ['error', { title: 'a=b' }, '\n\r%%3A']],
    ['::group::a::b', ['group', {}, 'a::b']],
    ['::error::%250A', ['error', {}, '%0A']],
    ['##[error]text', ['error', {}, 'text']],
    ['in the middle ##[add-mask]x%5D%3B', ['add-mask', {}, 'x];']],
    ['##[error file=a;line=2]m', ['error', { file: 'a', line: '2' }, 'm']],
    ['::nonsense::##[warning]fallback', ['warning', {}, 'fallback']],
  ])('%s', (line, expected) => {
    expect(parsed(line)).toEqual(expected)
  })

  test.each([
    ['x ::error::not at the start'],
    ['\ufeff::error::behind a byte order mark'],
    ['::error:text'],
    ['xxerror::text'],
    ['::unknown::x'],
    ['::error :'],
    ['##[unknown]x'],
    ['##[error'],
    ['# #[error]x'],
    ['[command]x'],
    [''],
  ])('%s is text', (line) => {
    expect(parseCommand(line)).toBeUndefined()
  })

  test('escaped data comes back as it was', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(parseCommand(`::notice::${escape(text)}`)?.data).toBe(text)
      }),
    )
  })

  test('lines end at LF, CRLF and CR, wherever the chunks are cut', () => {
    const text = 'one\rtwo\r\nthree\n\nfünf\r\r\nlast'
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1 }), (sizes) => {
        const lines: string[] = []
        const splitter = new LineSplitter((line) => lines.push(line))
        const bytes = Buffer.from(text)
        for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
          const size = sizes[turn % sizes.length] ?? 1
          splitter.write(bytes.subarray(at, at + size))
          at += size
        }
        splitter.end()
        expect(lines).toEqual(['one', 'two', 'three', '', 'fünf', '', 'last'])
      }),
    )
  })
})

test('of what has arrived at the same time, stderr is read first', () => {
  const lines: string[] = []
  const output = new StepOutput((line, source) => lines.push(`${source} ${line}`))
  output.take('stdout', Buffer.from('one\ntw'))
  output.take('stderr', Buffer.from('three\nfour'))
  output.take('stdout', Buffer.from('o\n'))
  output.end()
  expect(lines).toEqual(['stderr three', 'stdout one', 'stdout two', 'stderr four'])
  expect([output.text('stdout'), output.text('stderr')]).toEqual(['one\ntwo\n', 'three\nfour'])
})

/** Prints texts to stdout, or to stderr where they start with `2>`, with pauses in between. */
async function print(world: World, ...texts: string[]): Promise<StepResult> {
  return await world.main(`
    import { setTimeout as sleep } from 'node:timers/promises'
    for (const text of ${JSON.stringify(texts)}) {
      if (text.startsWith('2>')) process.stderr.write(text.slice(2))
      else process.stdout.write(text)
      await sleep(20)
    }`)
}

describe('obeying', () => {
  test('annotations from both streams, with their position in the repository', async () => {
    await using world = await World.create()
    const file = `${world.runner.workspace}/lib/a.rb`
    const step = await print(
      world,
      `::error file=${file},line=3,endLine=2,col=5,title=Bad::first%0Asecond\n`,
      '2>::warning endLine=7::w\n',
      '::notice col=3::n\n',
      'text\r::error::after a carriage return\rmore\n',
    )
    expect(step.annotations.filter(({ level }) => level !== 'warning')).toEqual([
      { level: 'error', title: 'Bad', file: 'lib/a.rb', line: 3, message: 'first\nsecond' },
      { level: 'notice', message: 'n' },
      { level: 'error', message: 'after a carriage return' },
    ])
    expect(step.annotations).toContainEqual({ level: 'warning', line: 7, endLine: 7, message: 'w' })
    const from = (stream: string): unknown =>
      step.lines.filter(({ source }) => source === stream).map(({ kind, text }) => [kind, text])
    expect(from('stdout')).toEqual([
      ['error', 'first\nsecond'],
      ['notice', 'n'],
      ['plain', 'text'],
      ['error', 'after a carriage return'],
      ['plain', 'more'],
    ])
    expect(from('stderr')).toEqual([['warning', 'w']])
    expect(step.commands.filter(({ source }) => source === 'stderr').map(({ name }) => name)).toEqual(['warning'])
    expect(step.conclusion).toBe('success')
  })

  test('only ten annotations of a level are kept, and messages are cut', async () => {
    await using world = await World.create()
    const step = await print(world, `::error::${'x'.repeat(5000)}\n`.repeat(12), '::warning::w\n')
    expect(step.annotations.map(({ level, message }) => [level, message.length])).toEqual([
      ...Array.from({ length: 10 }, () => ['error', 4096]),
      ['warning', 1],
    ])
    expect(step.lines.filter((line) => line.kind === 'error')).toHaveLength(12)
  })

  test('groups, and debug lines only with debug logging', async () => {
    const texts = ['::group::Title\n', '::debug::d%0Ae\n', '::endgroup::ignored\n']
    const own = async (world: World): Promise<unknown> =>
      (await print(world, ...texts)).lines
        .filter((line) => line.source !== 'runner')
        .map((line) => [line.kind, line.text])
    await using quiet = await World.create()
    expect(await own(quiet)).toEqual([
      ['group', 'Title'],
      ['endgroup', ''],
    ])
    await using loud = await World.create({ debug: true })
    const lines = await own(loud)
    expect(lines).toContainEqual(['debug', 'd'])
    expect(lines).toContainEqual(['debug', 'e'])
  })

  test('nothing while commands are stopped, until the token', async () => {
    await using world = await World.create()
    const step = await print(
      world,
      '::stop-commands::Token-0123\n',
      '::error::no\n##[warning]no\n::add-mask::shown-anyway\nshown-anyway\n',
      '::TOKEN-0123::\n',
      '::notice::yes\n',
    )
    expect(step.annotations).toEqual([{ level: 'notice', message: 'yes' }])
    expect(step.ignoredCommands.map(({ name }) => name)).toEqual(['error', 'warning', 'add-mask'])
    expect(step.commands.map(({ name }) => name)).toEqual(['stop-commands', 'TOKEN-0123', 'notice'])
    expect(step.masks).toEqual([])
    // The token itself is masked; the viewer colours a `##[warning]` line, but it is no annotation.
    expect(shown(step)).toEqual([
      '::stop-commands::***',
      '::error::no',
      'no',
      '::add-mask::shown-anyway',
      'shown-anyway',
      '::TOKEN-0123::',
      'yes',
    ])
  })

  test.each([['error'], ['pause-logging'], ['']])('stop-commands refuses the token "%s"', async (token) => {
    await using world = await World.create()
    const step = await print(world, `::stop-commands::${token}\n`)
    expect(step.conclusion).toBe('failure')
    expect(step.annotations[0]?.message).toContain('You cannot use a endToken')
  })

  test('outputs and state by the deprecated commands, with a warning', async () => {
    await using world = await World.create()
    const step = await print(world, '::set-output name=a::1\n', '##[save-state name=b]2\n', '::set-output name=A::3\n')
    expect(step).toMatchObject({ outputs: { a: '3' }, state: { b: '2' }, conclusion: 'success' })
    expect(step.annotations.map(({ level }) => level)).toEqual(['warning', 'warning', 'warning'])
  })

  test.each([
    ['::set-env name=A::b', 'The `set-env` command is disabled.'],
    ['::add-path::/x', 'The `add-path` command is disabled.'],
    ['::set-output::x', "Required field 'name' is missing"],
    ['::echo::maybe', 'Invalid echo command value.'],
    ['::add-matcher::missing.json', 'no such file'],
  ])('%s fails the step', async (line, message) => {
    await using world = await World.create()
    const step = await print(world, `${line}\n`)
    expect(step).toMatchObject({ exitCode: 0, conclusion: 'failure', envChanges: {}, pathChanges: [], outputs: {} })
    expect(step.annotations.at(-1)?.message).toContain(message)
  })

  test('echo shows commands, but never what add-mask was given', async () => {
    await using world = await World.create()
    const step = await print(world, '::echo::on\n', '::add-mask::hidden-word\n', '::group::G\n', '::echo::off\n')
    expect(shown(step)).toEqual(['::add-mask::***', '::group::G', 'G', '::echo::off'])
  })

  test('every command has a meaning here', async () => {
    await using world = await World.create()
    const step = await print(world, ...WORKFLOW_COMMANDS.map((name) => `::${name}::${name}-value\n`).toReversed())
    expect(step.commands.map(({ name }) => name)).toEqual(WORKFLOW_COMMANDS.toReversed())
  })
})
