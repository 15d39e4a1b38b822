// Errors as Kafka's tools print them: the name of the class in the Java client, then its text.
import { errorName, errorText } from '../../engine/protocol/errors.ts'

/** Scripts look for these texts. */
const texts: Readonly<Record<string, string>> = {
  OFFSET_OUT_OF_RANGE: 'The requested offset is not within the range of offsets maintained by the server.',
  POLICY_VIOLATION: 'Request parameters do not satisfy the configured policy.',
  INVALID_TOPIC_EXCEPTION: 'The request attempted to perform an operation on an invalid topic.',
  TOPIC_AUTHORIZATION_FAILED: 'Topic authorization failed.'
}

export function exceptionClass (code: number): string {
  const words = errorName(code).toLowerCase().split('_').filter(word => !['exception', 'error', 'failed'].includes(word))
  const camel = words.map(word => word[0].toUpperCase() + word.slice(1)).join('')
  return `org.apache.kafka.common.errors.${camel}Exception`
}

export function exceptionText (code: number): string {
  return `${exceptionClass(code)}: ${texts[errorName(code)] ?? errorText(code)}`
}

export function timeoutText (message: string): string {
  return `org.apache.kafka.common.errors.TimeoutException: ${message}`
}
