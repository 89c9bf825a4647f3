/**
 * Mail: the files that travel inside SMTP, POP3 and IMAP conversations, taken out of them.
 *
 * In: the windows of the turns of a connection whose service is known, after they have been inspected as raw data
 * (`follow`, called by `../protocol`). Out: units of kind FILE to the sink, one message of windows per MIME part, with the
 * decoded bytes as file data. `openDialogue` makes the tracker of a connection.
 */
export { type Dialogue, follow, openDialogue } from './dialogue.js'
export { MailContext } from './mail-context.js'
