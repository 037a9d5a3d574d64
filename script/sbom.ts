import { readMaterials } from './materials.ts'
import { billOfMaterials } from './bill-of-materials.ts'

/** Prints the bill of materials of `dist/`, as it lies there. */

process.stdout.write(billOfMaterials(readMaterials()))
