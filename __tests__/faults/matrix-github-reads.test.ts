import { describeFaults } from './matrix.ts'

describeFaults('commit', 'tag-read')
