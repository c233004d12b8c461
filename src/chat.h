/*
 * chat.h - a bounded interpreter for the subset of Jinja that chat templates of the supported models use.
 *
 * In:       the template of a GGUF (tokenizer.chat_template), messages.
 * Out:      text, and for each byte whether it came from the template (trusted) or from a message.
 * Not here: tokenising the result (vocab.h), tools and multimodal content.
 *
 * Bounds: fuel of 1e6 steps, nesting 64, output 4 MiB. What it does not know is STILL_EUNSUPPORTED with a sentence that quotes
 * the place.
 */
#ifndef SP_CHAT_H
#define SP_CHAT_H

#include "gguf.h"

struct sp_chat_text {
  char *text;       /* NUL-terminated */
  uint8_t *trusted; /* one byte per byte of text: 1 from the template, 0 from a message */
  size_t bytes, capacity;
};

/* bos, eos: spellings of the special tokens that templates name ("" if none). add_header: the template's
 * add_generation_prompt. */
still_status sp_chat_render(struct sp_ctx *ctx, const char *source, size_t source_bytes, const still_message *messages,
                            size_t n_messages, const char *bos, const char *eos, bool add_header, struct sp_chat_text *out);
void sp_chat_text_free(struct sp_ctx *ctx, struct sp_chat_text *text);

#endif
