import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { keyFor, PUBLISHER, startWorld, type World } from './registry-world.ts'
import { RubyMachine } from './registry-ruby.ts'

async function machineThatMayPush(world: World, ...gems: string[]): Promise<RubyMachine> {
  const ruby = await RubyMachine.make()
  for (const gem of gems) world.registry.addPendingPublisher({ gem, ...PUBLISHER })
  await ruby.credentials(world.registry.url, await keyFor(world))
  return ruby
}

async function pushed(ruby: RubyMachine, world: World, gem: string): Promise<string> {
  const { output } = await ruby.run('.', 'gem', 'push', gem, '--host', world.registry.url)
  return output
}

describe('with real RubyGems and Bundler', () => {
  it('takes a gem from gem build through gem push to a program installed by gem install', async () => {
    const world = await startWorld()
    const ruby = await machineThatMayPush(world, 'demo')
    const gem = await ruby.build('demo', '1.2.0')

    expect(await pushed(ruby, world, gem)).toContain('Successfully registered gem: demo (1.2.0)')

    const other = await RubyMachine.make()
    const installed = await other.run('.', 'gem', 'install', 'demo', '--source', world.registry.url, '--no-document')
    expect(installed.output).toContain('1 gem installed')
    const ran = await other.run('.', join(other.home, 'gems/bin/demo'))
    expect(ran.output).toBe('demo 1.2.0\n')
  })

  it('gives gem fetch the bytes that were pushed', async () => {
    const world = await startWorld()
    const ruby = await machineThatMayPush(world, 'demo')
    const gem = await ruby.build('demo', '1.2.0')
    await pushed(ruby, world, gem)

    const other = await RubyMachine.make()
    const fetched = await other.run('.', 'gem', 'fetch', 'demo', '--clear-sources', '--source', world.registry.url)

    expect(fetched.output).toContain('Downloaded demo-1.2.0')
    expect(await readFile(join(other.home, 'demo-1.2.0.gem'))).toEqual(await readFile(gem))
  })

  it('lets bundle install resolve a gem, the gem it depends on, and later a newer version', async () => {
    const world = await startWorld()
    const ruby = await machineThatMayPush(world, 'base', 'demo')
    await pushed(ruby, world, await ruby.build('base', '1.0.0'))
    const output = await pushed(
      ruby,
      world,
      await ruby.build('demo', '1.0.0', ["s.add_dependency 'base', '~> 1.0', '< 3'"]),
    )
    expect(output).toContain('Successfully registered')

    const other = await RubyMachine.make()
    await other.write('app/Gemfile', `source '${world.registry.url}'\ngem 'demo'\n`)
    const first = await other.run('app', 'bundle', 'install')
    expect(first.output).toContain('Bundle complete!')
    const ran = await other.run(
      'app',
      'bundle',
      'exec',
      'ruby',
      '-e',
      'require "base"; require "demo"; puts Base::VERSION',
    )
    expect(ran.output).toBe('1.0.0\n')

    world.clock.advance(60)
    await pushed(ruby, world, await ruby.build('base', '1.1.0'))
    const update = await other.run('app', 'bundle', 'update', 'base')
    expect(update.output).toContain('Installing base 1.1.0')
    const ranges = world.registry.requests.filter(({ path, status }) => path === '/info/base' && status === 206)
    expect(ranges.length).toBeGreaterThan(0)
  })

  it('offers platform gems to their platform and the ruby gem to others', async () => {
    const world = await startWorld()
    const ruby = await machineThatMayPush(world, 'demo')
    const linux = await ruby.build('demo', '1.0.0', ["s.platform = 'x86_64-linux'"])
    const darwin = await ruby.build('demo', '1.0.0', ["s.platform = 'arm64-darwin'", '# for darwin'])
    const plain = await ruby.build('demo', '1.0.0')
    for (const gem of [linux, darwin, plain])
      expect(await pushed(ruby, world, gem)).toContain('Successfully registered')

    const other = await RubyMachine.make()
    const installed = await other.run('.', 'gem', 'install', 'demo', '--source', world.registry.url, '--no-document')
    expect(installed.output).toContain('Successfully installed demo-1.0.0-x86_64-linux')
    const forced = await other.run(
      '.',
      'gem',
      'fetch',
      'demo',
      '--platform',
      'ruby',
      '--clear-sources',
      '--source',
      world.registry.url,
    )
    expect(forced.output).toContain('Downloaded demo-1.0.0\n')
  })

  it('installs a prerelease only when asked for one', async () => {
    const world = await startWorld()
    const ruby = await machineThatMayPush(world, 'demo')
    await pushed(ruby, world, await ruby.build('demo', '1.0.0'))
    await pushed(ruby, world, await ruby.build('demo', '2.0.0.rc1'))

    const other = await RubyMachine.make()
    const from = ['--clear-sources', '--source', world.registry.url, '--no-document']
    const stable = await other.run('.', 'gem', 'install', 'demo', ...from)
    expect(stable.output).toContain('Successfully installed demo-1.0.0')
    const early = await other.run('.', 'gem', 'install', 'demo', '--pre', ...from)
    expect(early.output).toContain('Successfully installed demo-2.0.0.rc1')
    const listed = await other.run(
      '.',
      'gem',
      'list',
      '-r',
      'demo',
      '--all',
      '--pre',
      '--clear-sources',
      '--source',
      world.registry.url,
    )
    expect(listed.output).toContain('2.0.0.rc1')
  })

  it('makes gem push fail with the registry’s words', async () => {
    const world = await startWorld()
    const ruby = await RubyMachine.make()
    world.registry.addTrustedPublisher({ gem: 'other', ...PUBLISHER })
    await ruby.credentials(world.registry.url, await keyFor(world))
    const refused = await ruby.run('.', 'gem', 'push', await ruby.build('demo', '1.0.0'), '--host', world.registry.url)
    expect(refused).toMatchObject({ code: 1 })
    expect(refused.output).toContain('You are not allowed to push this gem.')
  })

  it('can install the version that a gem with a trusted publisher is given', async () => {
    const { registry } = await startWorld()
    registry.addTrustedPublisher({ gem: 'demo', ...PUBLISHER })
    const other = await RubyMachine.make()
    const installed = await other.run('.', 'gem', 'install', 'demo', '--source', registry.url, '--no-document')
    expect(installed.output).toContain('Successfully installed demo-0.0.0')
  })
})
