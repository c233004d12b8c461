/*
 * attn_body.h - the part of attention that is unrolled over the padded head_dim.
 *
 * In:       DK, NAME(x), CHANNELS (that a product of a group has), GROUP_VALUES; what attn.cu defines before.
 * Out:      the kernel sp_gpu_attend_<DK>.
 * Not here: anything that does not depend on DK.
 */

#ifdef GROUPS_MULTIPLY

/* Dots of 64 queries and 128 keys, of which a warp gets those of 16. */
DEVICE void NAME(dots)(float s[GROUPS][4], operand q, operand k) {
  enum { ROW = ROW_OF(DK) };
  int acc[SP_TILE / 2];
  group_begin();
  UNROLL
  for (uint32_t c = 0; c < DK; c += 32)
    group_s8_128(acc, further(q, c / ROW * SP_GPU_BLOCK * ROW + c % ROW),
                 further(k, c / ROW * SP_TILE * ROW + c % ROW), c > 0);
  group_close();
  group_wait(0);
  GROUP_KEEP(acc, SP_TILE / 2);
  UNROLL
  for (uint32_t i = 0; i < SP_TILE / 2; i++) s[i / 4][i % 4] = sum_of(acc[i]);
}

/* add_sums for all channels. */
DEVICE void NAME(add_values)(float o[DK / 8][4], const uint32_t p[4][4], operand v, const struct query q[2]) {
  UNROLL
  for (uint32_t first = 0; first < DK; first += CHANNELS) {
    int acc[CHANNELS / 2];
    group_begin();
    UNROLL
    for (uint32_t c = 0; c < SP_TILE; c += 32) GROUP_VALUES(acc, p[c / 32], further(v, first * SP_TILE + c), c > 0);
    group_close();
    group_wait(0);
    GROUP_KEEP(acc, CHANNELS / 2);
    UNROLL
    for (uint32_t i = 0; i < CHANNELS / 8; i++) add_sums(o[first / 8 + i], acc + 4 * i, q);
  }
}

#else

/* Dots of 16 queries and 128 keys. */
DEVICE void NAME(dots)(float s[GROUPS][4], const uint32_t a[DK / 32][4], operand k) {
  uint32_t lane = THREAD % 32;
  UNROLL
  for (uint32_t i = 0; i < GROUPS; i++) {
    int acc[4] = {MAGIC_BITS, MAGIC_BITS, MAGIC_BITS, MAGIC_BITS};
    UNROLL
    for (uint32_t c = 0; c < DK / 16; c += 4) {
      uint32_t b[4];
      load_matrices(b, k + tile_place(SP_TILE, 8 * i + lane % 8, c + lane / 8, DK / 16));
      multiply_s8(acc, a[c / 2], b[0], b[1]);
      multiply_s8(acc, a[c / 2 + 1], b[2], b[3]);
    }
    UNROLL
    for (uint32_t e = 0; e < 4; e++) s[i][e] = sum_of(acc[e]);
  }
}

/* add_sums for all channels. */
DEVICE void NAME(add_values)(float o[DK / 8][4], const uint32_t p[4][4], operand v, const struct query q[2]) {
  uint32_t lane = THREAD % 32;
  UNROLL
  for (uint32_t i = 0; i < DK / 8; i++) {
    int acc[4] = {MAGIC_BITS, MAGIC_BITS, MAGIC_BITS, MAGIC_BITS};
    UNROLL
    for (uint32_t c = 0; c < SP_TILE / 16; c += 4) {
      uint32_t b[4];
      load_matrices(b, v + tile_place(DK, 8 * i + lane % 8, c + lane / 8, 8));
      multiply_u8(acc, p[c / 2], b[0], b[1]);
      multiply_u8(acc, p[c / 2 + 1], b[2], b[3]);
    }
    add_sums(o[i], acc, q);
  }
}

#endif

DEVICE void NAME(store)(const struct sp_gpu_attend *j, float o[DK / 8][4], const struct query q[2], const uint32_t *row_of,
                        uint32_t head) {
  UNROLL
  for (uint32_t half = 0; half < 2; half++) {
    if (row_of[8 * half] == NO_ROW) continue;
    uint64_t row = (uint64_t)row_of[8 * half] * j->heads + head;
    UNROLL
    for (uint32_t i = 0; i < DK / 4; i++) {
      uint32_t c = i / 2 * 8 + THREAD % 4 * 2 + i % 2;
      if (c < j->d) j->y[row * j->d + c] = div_rn(o[i / 2][2 * half + i % 2], q[half].l);
    }
    if (THREAD % 4 != 0) continue;
    j->m[row] = q[half].m;
    j->l[row] = q[half].l;
  }
}

KERNEL_BESIDE(NAME(sp_gpu_attend), sp_gpu_attend, 128, ATTEND_BESIDE(DK)) {
  SHARED_BYTES(shared);
  enum { BYTES = SP_TILE * (2 * DK + 8), BUFFERS = SP_GPU_TILES(ARCH, DK) };
  uint32_t lane = THREAD % 32, head = BLOCK_Y, kv = head / (j.heads / j.kv_heads);
  uint32_t block = block_of(&j), own = THREAD / 32 * 16 + lane / 4, list = block * SP_GPU_BLOCK + own;
  uint32_t tiles = block * SP_GPU_BLOCK / SP_TILE + 1;
  uint32_t *row_of = (uint32_t *)(shared + SP_GPU_SHARED_ATTEND(ARCH, DK)) - SP_GPU_BLOCK;
  operand keys = operand_of(shared, ROW_OF(DK)), values = operand_of(shared + SP_TILE * DK, SP_TILE);
  uint32_t p[4][4];
  float s[GROUPS][4], o[DK / 8][4];
  find_rows(row_of, &j, block);
  row_of += own;
  struct query q[2] = {begin_query(&j, row_of[0], list, head), begin_query(&j, row_of[8], list + 8, head)};
#ifdef GROUPS_MULTIPLY
  load_queries(shared + BUFFERS * BYTES, &j, row_of - own, head, DK);
  operand a = operand_of(shared + BUFFERS * BYTES, ROW_OF(DK));
#else
  uint32_t a[DK / 32][4];
  UNROLL
  for (uint32_t i = 0; i < DK / 8; i++)
    a[i / 4][i % 4] = query_word(&j, row_of[i % 2 * 8], head, DK, i / 4 * 32 + i / 2 % 2 * 16 + lane % 4 * 4);
#endif
  UNROLL
  for (uint32_t i = 0; i < DK / 2; i++) o[i / 4][i % 4] = 0;
  load_tile(shared, &j, kv, 0, DK);
  copy_close();
  for (uint32_t tile = 0; tile < tiles; tile++) {
    uint32_t at = tile % BUFFERS * BYTES;
    const float *sk = (const float *)(shared + at + 2 * SP_TILE * DK);
    copy_wait(0);
    group_publish();
    sync_block();
    if (BUFFERS == 2 && tile + 1 < tiles) load_tile(shared + (tile + 1) % BUFFERS * BYTES, &j, kv, tile + 1, DK);
    copy_close();
    NAME(dots)(s, a, further(keys, at));
    take_tile(s, p, q, sk, sk + SP_TILE, tile * SP_TILE, tile + 1 == tiles);
    NAME(add_values)(o, p, further(values, at), q);
    if (BUFFERS == 2) continue;
    sync_block();
    if (tile + 1 < tiles) load_tile(shared, &j, kv, tile + 1, DK);
    copy_close();
  }
  NAME(store)(&j, o, q, row_of, head);
}

#undef DK
#undef CHANNELS
#undef GROUP_VALUES
#undef NAME
