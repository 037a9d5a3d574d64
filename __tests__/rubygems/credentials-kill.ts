import { constants } from 'node:fs'
import promises from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'

type Rest = Promise<unknown>

/** In place of the system's functions, as every module sees them. */
function put(functions: Partial<typeof promises>): void {
  Object.assign(promises, functions)
  syncBuiltinESMExports()
}

/**
 * Runs `body` up to the change of the file system with that number, which never happens, nor does anything after it: as in
 * a process that was killed there. False where there is no such change, and `body` has ended.
 */
export async function killedBefore(number: number, body: () => Rest): Promise<boolean> {
  const killed = Promise.withResolvers<boolean>()
  let count = 0
  const before = async (change: () => Rest, close?: () => Promise<void>): Rest => {
    count += 1
    if (count < number) return change()
    await close?.()
    killed.resolve(true)
    return new Promise(() => undefined)
  }
  const real = { ...promises }
  put({
    mkdir: async (path, options) => void (await before(() => real.mkdir(path, options))),
    rename: async (from, to) => void (await before(() => real.rename(from, to))),
    rm: async (path, options) => void (await before(() => real.rm(path, options))),
    rmdir: async (path) => void (await before(() => real.rmdir(path))),
    open: async (path, flags, mode) => {
      const creates = typeof flags === 'number' && (flags & constants.O_CREAT) !== 0
      if (creates) await before(async () => undefined)
      const file = await real.open(path, flags, mode)
      if (!creates) return file
      const writeFile = file.writeFile.bind(file)
      const chmod = file.chmod.bind(file)
      const sync = file.sync.bind(file)
      const change = (method: () => Rest): Rest => before(method, () => file.close())
      return Object.assign(file, {
        writeFile: (data: Uint8Array) => change(() => writeFile(data)),
        chmod: (bits: number) => change(() => chmod(bits)),
        sync: () => change(() => sync()),
      })
    },
  })
  return Promise.race([killed.promise, body().then(() => false)]).finally(() => put(real))
}
