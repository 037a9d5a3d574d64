import { describeFaults } from './matrix.ts'

describeFaults('id-token', 'exchange')
