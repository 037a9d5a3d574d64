import { type Problem, ReleaseError } from '../errors.ts'
import { type HttpRequest, isPassing, passingTrouble } from '../world/http.ts'
import type { HttpAnswer } from '../world/http-answer.ts'
import { HttpFault } from '../world/http-fault.ts'
import { type Attempt, persist } from '../world/retry.ts'
import type { World } from '../world/world.ts'
import { SIGSTORE_EDGE } from './services.ts'

/** What of the world signing needs. */
export type SigningWorld = Pick<World, 'http' | 'clock' | 'runner' | 'signal'>

/**
 * Asks one of Sigstore's services by our own HTTP and retry rules. The services' words are never repeated: what was
 * sent to them holds an ID token, and a service, or what stands before it, may quote what it was sent.
 */
export async function converse<T>(
  purpose: string,
  failure: (reason: string) => Problem,
  request: HttpRequest,
  judge: (answer: HttpAnswer) => Attempt<T>,
  { http, clock, runner, signal }: SigningWorld,
): Promise<T> {
  const log = (line: string): void => {
    runner.info(line)
  }
  return persist({ edge: SIGSTORE_EDGE, purpose, failure }, { clock, signal, log }, async () => {
    try {
      const answer = await http.send(SIGSTORE_EDGE, request)
      return passingTrouble({ ...answer, text: '' }, clock) ?? judge(answer)
    } catch (error) {
      if (error instanceof HttpFault && isPassing(error, SIGSTORE_EDGE)) return { again: error.message }
      throw error instanceof HttpFault ? new ReleaseError(failure(error.message)) : error
    }
  })
}

export function attestationProblem(what: string, why?: string): Problem {
  return {
    code: 'attestation-failed',
    what,
    ...(why === undefined ? {} : { why }),
    fix: 'Re-run the job when Sigstore answers again (status.sigstore.dev); `attestations: true` would publish without attestations then.',
  }
}
