import { describeFaults } from './matrix.ts'

describeFaults('push')
