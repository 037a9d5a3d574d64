import { createRequire as __WEBPACK_EXTERNAL_createRequire } from "module";
var __webpack_exports__ = {};

;// CONCATENATED MODULE: external "node:child_process"
const external_node_child_process_namespaceObject = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("node:child_process");
;// CONCATENATED MODULE: external "node:net"
const external_node_net_namespaceObject = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("node:net");
;// CONCATENATED MODULE: external "node:os"
const external_node_os_namespaceObject = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("node:os");
;// CONCATENATED MODULE: external "node:path"
const external_node_path_namespaceObject = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("node:path");
;// CONCATENATED MODULE: ./lib/json.js
/** Reading JSON of unknown shape: everything from another machine or process is `unknown` until it was looked at. */
/** The value a JSON text stands for, or undefined where it is none. */
function parseJson(source) {
    try {
        return JSON.parse(source);
    }
    catch {
        return undefined;
    }
}
function isObject(value) {
    return typeof value === 'object' && value !== null && !Array.isArray(value);
}
/** The string at `path` inside `value`, or undefined where anything else is there. */
function stringAt(value, ...path) {
    const found = at(value, path);
    return typeof found === 'string' ? found : undefined;
}
/** The object at `path` inside `value`; empty where anything else is there. */
function objectAt(value, ...path) {
    const found = at(value, path);
    return isObject(found) ? found : {};
}
/** The objects of the array at `path` inside `value`; none where anything else is there. */
function objectsAt(value, ...path) {
    const found = at(value, path);
    return Array.isArray(found) ? found.filter(isObject) : [];
}
function at(value, path) {
    let found = value;
    for (const key of path) {
        if (!isObject(found) || !Object.hasOwn(found, key))
            return undefined;
        found = found[key];
    }
    return found;
}

;// CONCATENATED MODULE: ./lib/world/startable.js
/**
 * How a program is started on this system. What Ruby installs are batch files on Windows, which Node.js starts only
 * through a shell; Ruby itself finds the script that lies beside each.
 */
function startable({ program, args }, platform = process.platform) {
    const script = platform === 'win32' && ['bundle', 'gem', 'rake'].includes(program);
    return script ? { program: 'ruby', args: ['-S', program, ...args] } : { program, args };
}

;// CONCATENATED MODULE: ./lib/gem-command.js






/**
 * Stands in for `gem` inside a release task: as `$GEM_COMMAND`, which Bundler runs instead (bundler/gem_helper.rb, Bundler
 * 2.2 to 4.0), and as the first `gem` on PATH. `gem push` is handed to the action, which holds the key; everything else
 * is the real `gem`'s business.
 */
const SOCKET = 'RELEASE_GEM_SOCKET';
const BY_NAME = 'RELEASE_GEM_BY_NAME';
/** The directory of the `gem` on PATH that is us. */
const BIN = 'RELEASE_GEM_BIN';
const HELP = new Set(['-h', '--help']);
const [verb, ...args] = process.argv.slice(2);
const address = process.env[SOCKET];
process.exitCode = 1;
if (verb === 'push' && address !== undefined && !args.some((argument) => HELP.has(argument)))
    handOver(address);
else
    runGem();
function handOver(socketAddress) {
    let answer = '';
    const socket = (0,external_node_net_namespaceObject.connect)(socketAddress);
    socket.setEncoding('utf8');
    socket.on('error', () => {
        // `close` follows, and says what there is to say.
    });
    socket.on('data', (chunk) => {
        answer += chunk;
    });
    socket.on('close', () => {
        const reply = parseJson(answer);
        const message = stringAt(reply, 'message');
        const exitCode = isObject(reply) ? reply['exitCode'] : undefined;
        if (message === undefined)
            process.stderr.write('release-gem: the action that started this task is gone.\n');
        else
            process.stdout.write(`${message}\n`);
        if (exitCode === 'by-gem')
            runGem();
        else
            process.exitCode = exitCode === 0 ? 0 : 1;
    });
    const { [BY_NAME]: byName, RUBYGEMS_HOST: host, GEM_HOST_API_KEY: key } = process.env;
    const request = { args, cwd: process.cwd(), host, ownKey: Boolean(key), byName: byName === '1' };
    socket.write(`${JSON.stringify(request)}\n`);
}
function runGem() {
    const gem = startable({ program: 'gem', args: verb === undefined ? [] : [verb, ...args] });
    const child = (0,external_node_child_process_namespaceObject.spawn)(gem.program, gem.args, { env: withoutUs(process.env), stdio: 'inherit' });
    child.on('error', () => {
        process.stderr.write('release-gem: `gem` was not found on PATH.\n');
        process.exitCode = 127;
    });
    child.on('exit', (code, signal) => {
        process.exitCode = code ?? 128 + (signal ? external_node_os_namespaceObject.constants.signals[signal] : 0);
    });
}
/** For the real `gem`: whatever looks for one on PATH below it must not find us again. */
function withoutUs(env) {
    const { [BY_NAME]: _, ...others } = env;
    const directories = (env['PATH'] ?? '').split(external_node_path_namespaceObject.delimiter).filter((directory) => directory !== env[BIN]);
    return env[BIN] === undefined ? others : { ...others, PATH: directories.join(external_node_path_namespaceObject.delimiter) };
}

