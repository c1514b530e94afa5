// Does this compiler store all of a tile configuration before it is loaded?
//
// ggml's AMX kernels fill 64 bytes on the stack and load them. Some GCCs say that the load reads 8
// of them, and leave out the stores to the rest: the processor then refuses the configuration.
// Here the loading instruction is replaced by a copy of the 64 bytes that it would read, so that
// the question can be asked on any x86 processor. Exit code 0: all there; 1: not.
#include <cstdint>
#include <cstring>
#include <immintrin.h>

extern "C" {
uint64_t tile_seen[8];
uint64_t tile_saved[2];
}

// An assembler macro of the instruction's name goes before the instruction. Two registers, saved:
// the compiler does not know that they are used.
__asm__(
    ".macro ldtilecfg source\n"
    "  movq %r10, tile_saved(%rip)\n"
    "  movq %r11, tile_saved+8(%rip)\n"
    "  leaq \\source, %r11\n"
    "  .irp offset, 0, 8, 16, 24, 32, 40, 48, 56\n"
    "  movq \\offset(%r11), %r10\n"
    "  movq %r10, tile_seen+\\offset(%rip)\n"
    "  .endr\n"
    "  movq tile_saved+8(%rip), %r11\n"
    "  movq tile_saved(%rip), %r10\n"
    ".endm\n");

struct tile_config {
    uint8_t palette = 0, start_row = 0, reserved[14] = {0};
    uint16_t column_bytes[16] = {0};
    uint8_t rows[16] = {0};
};

static void fill(tile_config &config) {
    config.palette = 1;
    for (int tile = 0; tile < 8; ++tile) {
        config.rows[tile] = tile < 2 ? 8 : 16;
        config.column_bytes[tile] = tile == 2 || tile == 3 ? 32 : 64;
    }
}

// What an earlier call left on the stack must not look like a configuration.
__attribute__((noinline)) static void soil() {
    volatile uint8_t rubbish[4096];
    for (unsigned place = 0; place < sizeof rubbish; ++place) rubbish[place] = 0xA5;
}

__attribute__((noinline)) static void load() {
    alignas(64) tile_config config = {};
    fill(config);
    _tile_loadconfig(&config);
}

int main() {
    soil();
    load();
    alignas(64) tile_config expected = {};
    fill(expected);
    return std::memcmp(tile_seen, &expected, sizeof expected) != 0;
}
