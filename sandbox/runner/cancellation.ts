import type { Execution } from './execution.ts'
import type { CancelPlan, StepEvent } from './step.ts'

/**
 * Call before anything is awaited: a plan's promise may be rejected before the process runs, and Node would end the
 * tests for it. `Cancellation.settle` reports it.
 */
export function holdRejection({ after }: Pick<CancelPlan, 'after'> = { after: 0 }): void {
  if (after instanceof Promise) after.catch(() => {})
}

/** Watches for the moment a cancel plan names, then plays its signals. */
export class Cancellation {
  private readonly plan: CancelPlan
  private readonly execution: Execution
  private timer: NodeJS.Timeout | undefined
  private played: Promise<boolean> | undefined
  private mistake: { error: unknown } | undefined

  constructor(plan: CancelPlan, execution: Execution) {
    this.plan = plan
    this.execution = execution
    const { after } = plan
    if (typeof after === 'number') this.timer = setTimeout(() => this.trigger(), after)
    if (after instanceof Promise) {
      after.then(() => this.trigger()).catch((error: unknown) => (this.mistake = { error }))
    }
  }

  notice(event: StepEvent): void {
    const { after } = this.plan
    if (after instanceof RegExp) {
      // A copy, as a pattern with the `g` flag would remember where it matched last.
      if (event.type === 'line' && new RegExp(after.source, after.flags).test(event.line.text)) this.trigger()
    } else if (typeof after === 'function' && after(event)) {
      this.trigger()
    }
  }

  /** Call when the process has ended. True where the runner would now call the step cancelled. A promise that was rejected throws here. */
  async settle(): Promise<boolean> {
    clearTimeout(this.timer)
    if (this.mistake) throw this.mistake.error
    const reached = (await this.played) ?? false
    return reached && this.plan.sequence !== 'kill'
  }

  private trigger(): void {
    this.played ??= this.execution.cancel(this.plan)
  }
}
