import { describeFaults } from './matrix.ts'

describeFaults('tag-object', 'tag-ref')
