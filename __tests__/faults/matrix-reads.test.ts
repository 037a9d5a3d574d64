import { describeFaults } from './matrix.ts'

describeFaults('preflight', 'verify', 'index', 'file')
