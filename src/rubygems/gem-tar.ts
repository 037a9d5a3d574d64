/**
 * In bytes. Inflated, the registry takes 10 MiB (rubygems.org lib/gem_validator/package.rb); text that does not
 * compress grows by a few bytes per 16 KiB, for which this leaves room.
 */
const MAX_STORED = 10 * 1024 * 1024 + 64 * 1024

const MEMBERS = ['metadata.gz', 'metadata', 'data.tar.gz', 'checksums.yaml.gz']
const ALLOWED = new Set([...MEMBERS, ...MEMBERS.map((name) => `${name}.sig`)])
const BLOCK = 512
const EMPTY_BLOCK = Buffer.alloc(BLOCK)

/** A rule that a gem file breaks. `readGem` adds the file's name and makes it a `gem-invalid` error. */
export class InvalidGem extends Error {
  readonly fix: string | undefined

  constructor(rule: string, fix?: string) {
    super(rule)
    this.name = 'InvalidGem'
    this.fix = fix
  }
}

/** Foreign text fit for a message: in ASCII with everything else escaped, at most 100 characters. */
export function quoted(text: string): string {
  const plain = JSON.stringify(text).replace(/[^\x20-\x7e]/g, escaped)
  return plain.length > 100 ? `${plain.slice(0, 99)}…` : plain
}

/** JSON leaves C1 and bidirectional controls as they are, and letters that look like others. */
function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}

/**
 * Looks at every 512-byte block that is not content, ahead of tar-stream, which skips empty blocks wherever they
 * are, reads members behind the end of the archive, and applies pax and GNU extensions to name and size. Only plain
 * ustar headers pass, so that every tar reader (RubyGems', the registry's, tar-stream) sees the same members.
 */
export class TarBlocks {
  /** The members' names, in the order of the file. */
  readonly names = new Set<string>()
  readonly #block = Buffer.alloc(BLOCK)
  #filled = 0
  #content = 0
  #emptyBlocks = 0

  /** Follows the next bytes of the file. Throws InvalidGem. */
  check(chunk: Buffer): void {
    let at = 0
    while (at < chunk.length) {
      const skipped = Math.min(this.#content, chunk.length - at)
      this.#content -= skipped
      at += skipped
      const taken = this.#content > 0 ? 0 : chunk.copy(this.#block, this.#filled, at)
      this.#filled += taken
      at += taken
      if (this.#filled === BLOCK) this.#next()
    }
  }

  /** Says that the file ends here. Throws InvalidGem. */
  end(): void {
    if (this.#filled > 0 || this.#content > 0) throw new InvalidGem('it is cut off: the file ends inside a tar member')
    if (this.#emptyBlocks < 2) throw new InvalidGem('it is cut off: the end of the tar archive is missing')
  }

  #next(): void {
    this.#filled = 0
    if (this.#block.equals(EMPTY_BLOCK)) this.#emptyBlocks++
    else if (this.#emptyBlocks > 0) throw new InvalidGem('there is data after the end of the tar archive')
    else this.#header()
  }

  #header(): void {
    const block = this.#block
    const type = String.fromCodePoint(block[156] ?? 0)
    const magic = block.toString('latin1', 257, 265)
    if (magic !== 'ustar\u000000' && magic !== 'ustar  \0') throw new InvalidGem('it is not a tar archive')
    const name = /^([^\0]*)\0*$/.exec(block.toString('latin1', 0, 100))?.[1] ?? ''
    if (type !== '0' && type !== '\0') throw new InvalidGem(`its tar member ${quoted(name)} is no regular file`)
    // Every byte of the prefix: RubyGems joins it to the name, and GNU tar keeps extensions of the size there.
    if (!block.subarray(345).equals(EMPTY_BLOCK.subarray(345))) throw new InvalidGem('a tar member has a name prefix')
    if (!ALLOWED.has(name)) throw new InvalidGem(`it has the tar member ${quoted(name)}, which is not part of a gem`)
    if (this.names.has(name)) throw new InvalidGem(`it has the tar member ${name} twice`)
    // Octal only. GNU's base-256 sizes read differently in RubyGems, and a gem of 500 MB does not need them.
    const size = /^ *([0-7]+)[ \0]*$/.exec(block.toString('latin1', 124, 136))?.[1]
    if (size === undefined) throw new InvalidGem(`the size of its tar member ${name} is not an octal number`)
    this.#member(name, Number.parseInt(size, 8))
  }

  #member(name: string, size: number): void {
    if (name !== 'data.tar.gz' && size > MAX_STORED) throw new InvalidGem(`its ${name} is larger than 10 MiB`)
    this.names.add(name)
    this.#content = Math.ceil(size / BLOCK) * BLOCK
  }
}
