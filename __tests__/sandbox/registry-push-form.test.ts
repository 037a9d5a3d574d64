import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { gemspecYaml, seedGem, tar } from '../../sandbox/registry/seed-gem.ts'
import { keyFor, PUBLISHER, startWorld, type World } from './registry-world.ts'

const GEM = seedGem({ name: 'demo', number: '1.0.0' })

async function trustedWorld(): Promise<{ world: World; key: string }> {
  const world = await startWorld()
  world.registry.addTrustedPublisher({ gem: 'demo', ...PUBLISHER })
  return { world, key: await keyFor(world) }
}

interface Answer {
  status: number
  body: string
}

async function send(world: World, key: string, form: FormData): Promise<Answer> {
  const url = `${world.registry.url}/api/v1/gems`
  const response = await fetch(url, { method: 'POST', headers: { authorization: key }, body: form })
  return { status: response.status, body: await response.text() }
}

function formWith(attestations: unknown): FormData {
  const form = new FormData()
  form.set('gem', new File([new Uint8Array(GEM)], 'demo-1.0.0.gem'))
  form.set('attestations', JSON.stringify(attestations))
  return form
}

function changed(change: (form: FormData) => void): FormData {
  const form = formWith([])
  change(form)
  return form
}

describe('the form', () => {
  it.each<[string, (form: FormData) => void, Answer]>([
    [
      'a gem that is no file',
      (whole) => whole.set('gem', 'text'),
      { status: 400, body: '{"error":"gem is not a file upload"}' },
    ],
    ['no gem', (whole) => whole.delete('gem'), { status: 500, body: 'Server error. Please try again.' }],
    [
      'no attestations',
      (whole) => whole.delete('attestations'),
      { status: 400, body: '{"error":"missing attestations"}' },
    ],
    [
      'attestations as a file',
      (whole) => whole.set('attestations', new File(['[]'], 'a.json')),
      { status: 400, body: '{"error":"missing attestations"}' },
    ],
    [
      'attestations that are no JSON',
      (whole) => whole.set('attestations', '['),
      { status: 500, body: 'Server error. Please try again.' },
    ],
    [
      'an object',
      (whole) => whole.set('attestations', '{}'),
      { status: 400, body: '{"error":"attestations must be an array, is Hash"}' },
    ],
    [
      'null',
      (whole) => whole.set('attestations', 'null'),
      { status: 400, body: '{"error":"attestations must be an array, is NilClass"}' },
    ],
    [
      'a number',
      (whole) => whole.set('attestations', '1'),
      { status: 400, body: '{"error":"attestations must be an array, is Integer"}' },
    ],
  ])('%s', async (_, change, answer) => {
    const { world, key } = await trustedWorld()
    expect(await send(world, key, changed(change))).toEqual(answer)
  })

  it('may carry a gem that holds its own delimiter’s beginning', async () => {
    const { world, key } = await trustedWorld()
    const boundary = 'frontier'
    const tricky = tar([
      ['metadata.gz', gzipSync(gemspecYaml({ name: 'demo', number: '1.0.0' }))],
      ['data.tar.gz', Buffer.from('\r\n--front\r\n--frontie\r\n--'.repeat(5000))],
    ])
    const head = `preamble\r\n--${boundary}\r\nContent-Disposition: form-data; name="gem"; filename="a \\"b\\".gem"\r\n\r\n`
    const tail = `\r\n--${boundary}\r\nContent-Disposition: form-data; name="attestations"\r\nContent-Type: application/json\r\n\r\n[]\r\n--${boundary}--\r\n`
    const response = await fetch(`${world.registry.url}/api/v1/gems`, {
      method: 'POST',
      headers: { authorization: key, 'content-type': `multipart/form-data; boundary=${boundary}` },
      body: new Uint8Array(Buffer.concat([Buffer.from(head), tricky, Buffer.from(tail)])),
    })
    expect(await response.text()).toBe('Successfully registered gem: demo (1.0.0)')
    const sha256 = createHash('sha256').update(tricky).digest('hex')
    expect(world.registry.versions('demo').at(-1)?.sha256).toBe(sha256)
  })

  it.each(['multipart/form-data', 'multipart/form-data; boundary=other'])(
    'that is broken gets 400: %s',
    async (type) => {
      const { world, key } = await trustedWorld()
      const headers = { authorization: key, 'content-type': type }
      const response = await fetch(`${world.registry.url}/api/v1/gems`, {
        method: 'POST',
        headers,
        body: '--frontier\r\n',
      })
      expect(response.status).toBe(400)
    },
  )
})
