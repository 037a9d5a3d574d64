// Loaded into a Node.js process before its program: notes every name it looks up and every address it connects to.
import dns from 'node:dns'
import { appendFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { Socket } from 'node:net'

const note = (line) => {
  appendFileSync(process.env.NOTED_CONNECTIONS, `${line}\n`)
}

note('start')

const connect = Socket.prototype.connect
Socket.prototype.connect = function (...given) {
  const [options] = [given[0]].flat()
  const { host = 'localhost', port, path } = typeof options === 'object' ? options : { port: given[0], host: given[1] }
  note(`connect ${path ?? `${host}:${port}`}`)
  return connect.apply(this, given)
}

for (const name of ['lookup', 'resolve', 'resolve4', 'resolve6']) {
  const original = dns[name]
  dns[name] = (host, ...rest) => {
    note(`${name} ${host}`)
    return original(host, ...rest)
  }
}
syncBuiltinESMExports()
