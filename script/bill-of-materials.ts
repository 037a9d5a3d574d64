import { createHash } from 'node:crypto'
import { Enums, Models, Serialize, Spec } from '@cyclonedx/cyclonedx-library'
import { type JsonObject, objectAt, stringAt } from '../src/json.ts'

/** What a bill of materials is made from; all of it is committed. */
export interface Materials {
  /** `dist/licenses.txt`, whose titles are the packages that ncc says it bundled. */
  licences: string
  /** `package-lock.json`: digests, licences, and who needs whom. */
  lock: JsonObject
  /** `package.json`. */
  manifest: JsonObject
}

/**
 * The packages inside the bundles, as CycloneDX 1.6. Equal input gives equal bytes: there is no time in it, and the serial
 * number is a digest of the rest, so that anybody can make it again from the tag and compare.
 */
export function billOfMaterials(materials: Materials): string {
  const { manifest } = materials
  const version = stringAt(manifest, 'version') ?? ''
  const action = new Models.Component(Enums.ComponentType.Application, stringAt(manifest, 'name') ?? '', {
    bomRef: 'release-gem',
    version,
    description: stringAt(manifest, 'description') ?? '',
    purl: `pkg:generic/${stringAt(manifest, 'name') ?? ''}@${version}`,
  })
  action.licenses.add(licence(stringAt(manifest, 'license')))
  const bom = new Models.Bom({ metadata: new Models.Metadata({ component: action }) })
  const components = new Map(bundledPackages(materials.licences).map((one) => [one.name, component(one, materials)]))
  for (const one of components.values()) bom.components.add(one)
  connect(action, objectAt(manifest, 'dependencies'), components)
  for (const [name, one] of components) connect(one, objectAt(locked(materials, name), 'dependencies'), components)
  bom.serialNumber = serialNumber(serialized(bom))
  return serialized(bom)
}

function serialized(bom: Models.Bom): string {
  const factory = new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6)
  return `${new Serialize.JsonSerializer(factory).serialize(bom, { sortLists: true, space: 2 })}\n`
}

/** A UUID of version 8, the one whose bits are the maker's own (RFC 9562). */
function serialNumber(text: string): string {
  const bytes = createHash('sha256').update(text).digest().subarray(0, 16)
  bytes.writeUInt8(0x80 | (bytes.readUInt8(6) & 0x0f), 6)
  bytes.writeUInt8(0x80 | (bytes.readUInt8(8) & 0x3f), 8)
  return `urn:uuid:${bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')}`
}

export interface BundledPackage {
  name: string
  version: string
}

/** The titles of `dist/licenses.txt`. */
export function bundledPackages(licences: string): BundledPackage[] {
  const lines = licences.split('\n')
  return lines.flatMap((title, index) => {
    const [, name, version] = /^((?:@[\w.-]+\/)?[\w.-]+) (\d+\.\d+\.\d+\S*)$/.exec(title) ?? []
    const underlined = lines[index + 1] === '-'.repeat(title.length)
    return underlined && name !== undefined && version !== undefined ? [{ name, version }] : []
  })
}

function component({ name, version }: BundledPackage, materials: Materials): Models.Component {
  const entry = locked(materials, name)
  if (stringAt(entry, 'version') !== version) {
    throw new Error(`${name} ${version} is bundled, but package-lock.json has ${stringAt(entry, 'version') ?? 'none'}`)
  }
  const [group, plain] = name.startsWith('@') ? name.split('/') : [undefined, name]
  const purl = `pkg:npm/${name.replace('@', '%40')}@${version}`
  const one = new Models.Component(Enums.ComponentType.Library, plain ?? name, {
    bomRef: purl,
    purl,
    version,
    ...(group === undefined ? {} : { group }),
    // Of the package as it was installed.
    hashes: new Models.HashDictionary([[Enums.HashAlgorithm['SHA-512'], sha512(stringAt(entry, 'integrity'))]]),
  })
  one.licenses.add(licence(stringAt(entry, 'license')))
  return one
}

function locked({ lock }: Materials, name: string): JsonObject {
  return objectAt(lock, 'packages', `node_modules/${name}`)
}

function licence(id: string | undefined): Models.License {
  if (id === undefined) throw new Error('a bundled package names no licence')
  return /^[\w.+-]+$/.test(id) ? new Models.SpdxLicense(id) : new Models.LicenseExpression(id)
}

function sha512(integrity: string | undefined): string {
  const [, encoded] = /^sha512-([A-Za-z0-9+/=]{88})$/.exec(integrity ?? '') ?? []
  if (encoded === undefined) throw new Error('a bundled package has no SHA-512 in package-lock.json')
  return Buffer.from(encoded, 'base64').toString('hex')
}

function connect(from: Models.Component, needs: JsonObject, all: ReadonlyMap<string, Models.Component>): void {
  for (const name of Object.keys(needs)) {
    const to = all.get(name)
    if (to) from.dependencies.add(to.bomRef)
  }
}
