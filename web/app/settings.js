// What an operator may want to change about the page. Served as it stands; no build step.
export const settings = {
  /** Where "Leave quickly" goes: somewhere nobody would ask about. */
  exitUrl: 'https://www.wikipedia.org/',

  /**
   * Origins (of the site that handed out the link) that may be asked for a new ticket by postMessage when this page was opened or
   * embedded by them: they receive {type: 'room:ticket-wanted', conversationId, reason} and answer {type: 'room:ticket', ticket}.
   * The web server's headers must allow it too (Cross-Origin-Opener-Policy for opening, frame-ancestors for embedding).
   */
  ticketOrigins: [],

  /** Messages read from the history at a time. */
  pageSize: 60,
};
