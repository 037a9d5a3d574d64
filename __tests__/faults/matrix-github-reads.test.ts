import { describeFaults } from './matrix.ts'

describeFaults('commit', 'rulesets', 'tag-read')
