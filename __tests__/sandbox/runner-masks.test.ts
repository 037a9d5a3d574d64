import { describe, expect, test } from 'vitest'
import { Masker } from '../../sandbox/runner/masker.ts'
import { shown, World } from './runner-fixture.ts'

const SECRET = `it's "a" <secret>&+value/42`

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}

describe('masking', () => {
  test.each([
    ['itself', SECRET],
    ['base64', base64(SECRET)],
    ['base64 after one byte', base64(SECRET.slice(1))],
    ['base64 after two bytes', base64(SECRET.slice(2))],
    ['escaped quotes', SECRET.replaceAll('"', '\\"')],
    ['an expression literal', SECRET.replaceAll("'", "''")],
    ['JSON', JSON.stringify(SECRET).slice(1, -1)],
    ['a URI', encodeURIComponent(SECRET).replaceAll("'", '%27')],
    ['XML', 'it&apos;s &quot;a&quot; &lt;secret&gt;&amp;+value/42'],
    ['PowerShell, before the ampersand', SECRET.slice(0, SECRET.indexOf('&+') + 2)],
    ['PowerShell, after the ampersand', SECRET.slice(SECRET.indexOf('&+') + 3)],
  ])('hides a secret as %s', (_, form) => {
    const masker = new Masker()
    expect(masker.mask(`<${form}>`)).toBe(`<${form}>`)
    masker.add(SECRET)
    expect(masker.mask(`[${form}]`)).toBe('[***]')
  })

  test('hides the inside of a quoted secret, but not a short one', () => {
    const masker = new Masker()
    masker.add('"quoted-secret"')
    masker.add('"short"')
    expect(masker.mask('quoted-secret and short')).toBe('*** and short')
  })

  // What the real runner does not recognise must come out here too, or tests would trust masks that do not exist.
  test.each([
    ['hex', Buffer.from(SECRET).toString('hex')],
    ['base64url', Buffer.from(`${SECRET}>>>???`).toString('base64url')],
    ['reversed', SECRET.split('').toReversed().join('')],
    ['upper case', SECRET.toUpperCase()],
    ['with a gap', `${SECRET.slice(0, 10)} ${SECRET.slice(10)}`],
  ])('does not recognise %s', (_, form) => {
    const masker = new Masker()
    masker.add(SECRET.replace('&+', ''))
    expect(masker.mask(form)).toBe(form)
  })

  test('makes one mask of overlapping and touching finds', () => {
    const masker = new Masker()
    for (const secret of ['abcdef', 'defghi', 'ghijkl']) masker.add(secret)
    expect(masker.mask('<abcdefghi><abcdefghijkl><abcdef ghijkl>')).toBe('<***><***><*** ***>')
    const touching = new Masker()
    for (const secret of ['abcdef', 'ghijkl', '']) touching.add(secret)
    expect(touching.mask('<abcdefghijkl><ghijklmabcdef>')).toBe('<***><***m***>')
  })
})

describe('add-mask', () => {
  test('works from its own line on, and says where that is', async () => {
    await using world = await World.create()
    const step = await world.main(`
      console.log('early-bird before')
      console.log('::add-mask::early-bird')
      console.log('early-bird after')
      console.log('::add-mask::two lines%0A of it ')
      console.log('got two lines|of it|two lines')`)
    expect(shown(step)).toEqual(['early-bird before', '*** after', 'got ***|***|***'])
    expect(step.rawStdout).toContain('early-bird after')
    expect(step.masks.map(({ value }) => value)).toEqual(['early-bird', 'two lines\n of it '])
    const before = step.lines.slice(0, step.masks[0]?.position).map((line) => line.text)
    expect(before).toContain('early-bird before')
    expect(before).not.toContain('*** after')
    expect(step.masks.map(({ rawLines }) => rawLines.stdout)).toEqual([1, 3])
  })

  test('covers annotations and later steps, but not the title of an annotation', async () => {
    await using world = await World.create()
    await world.main(`console.log('::add-mask::hush-hush')`)
    const step = await world.main(`console.log('::error title=hush-hush::hush-hush')`)
    expect(step.annotations).toEqual([{ level: 'error', title: 'hush-hush', message: '***' }])
  })

  test('refuses to mask nothing', async () => {
    await using world = await World.create()
    const step = await world.main(`console.log('::add-mask::   ')\nconsole.log('a b   c')`)
    expect(shown(step)).toEqual(['a b   c'])
    expect(step.annotations[0]?.message).toContain("Can't add secret mask for empty string")
    expect(step.masks).toEqual([])
  })

  test('the job token is masked from the start, also as git sends it', async () => {
    await using world = await World.create()
    const { token } = world.job
    const step = await world.main(`
      console.log(${JSON.stringify(token)})
      console.log('Basic ' + Buffer.from('x-access-token:' + ${JSON.stringify(token)}).toString('base64'))
      console.log(process.env.ACTIONS_RUNTIME_TOKEN)`)
    expect(shown(step)).toEqual(['***', 'Basic ***', '***'])
  })
})
