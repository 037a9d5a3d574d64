import { randomUUID } from 'node:crypto'
import type { Upload } from '../world/http.ts'

/** A push with its content type. */
export interface PushBody {
  contentType: string
  upload: Upload
}

/**
 * The body of a push: the gem alone, or a form with the parts `gem` (a file, so it must have a file name) and
 * `attestations` (no file, so it must have none) that holds a list of bundles (rubygems.org
 * app/controllers/api/v1/rubygems_controller.rb create). Streamed, and repeatable as often as the gem is: every attempt
 * sends the same bytes, so that none is ever sent with fewer attestations than the one before.
 */
export function pushBody(gem: Upload, bundles: readonly unknown[]): PushBody {
  if (bundles.length === 0) return { contentType: 'application/octet-stream', upload: gem }
  const boundary = `release-gem-${randomUUID()}`
  const head = Buffer.from(
    `--${boundary}\r\nContent-Disposition: form-data; name="gem"; filename="gem"\r\nContent-Type: application/octet-stream\r\n\r\n`,
  )
  const tail = Buffer.from(
    `\r\n--${boundary}\r\nContent-Disposition: form-data; name="attestations"\r\nContent-Type: application/json\r\n\r\n${JSON.stringify(bundles)}\r\n--${boundary}--\r\n`,
  )
  return {
    contentType: `multipart/form-data; boundary=${boundary}`,
    upload: {
      bytes: head.length + gem.bytes + tail.length,
      async *chunks() {
        yield head
        yield* gem.chunks()
        yield tail
      },
    },
  }
}
