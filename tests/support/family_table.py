"""The families of models that people ship: how a tiny one is configured, and written as a GGUF.

What a family's entry says of the header and of single tensors is what llama.cpp's converter (its
folder `conversion/`) makes of them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.support.tensor_rules import changed, dealt, mxfp4, renamed, split, turned

if TYPE_CHECKING:
    from tests.support.tensor_rules import Rule

WIDTH, HEADS, KV_HEADS, HEAD, FEED_FORWARD, CONTEXT, WINDOW = 64, 4, 2, 16, 96, 256, 8
EXPERTS, EXPERTS_USED, STATE, GROUPS, PER_LAYER = 4, 2, 16, 2, 8
SHAPE = {
    "hidden_size": WIDTH, "intermediate_size": FEED_FORWARD, "num_attention_heads": HEADS,
    "num_key_value_heads": KV_HEADS, "head_dim": HEAD, "num_hidden_layers": 2,
    "max_position_embeddings": CONTEXT, "rms_norm_eps": 1e-5, "tie_word_embeddings": False,
    "bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 1,
}  # fmt: skip
SLIDING, FULL, LINEAR = "sliding_attention", "full_attention", "linear_attention"
THETA = 10000.0
YARN = {
    "rope_type": "yarn", "rope_theta": THETA, "factor": 4.0, "beta_fast": 32.0, "beta_slow": 1.0,
    "original_max_position_embeddings": 64,
}  # fmt: skip
YARN_HEADER = {
    "rope.scaling.type": "yarn",
    "rope.scaling.factor": 4.0,
    "rope.scaling.original_context_length": 64,
    "rope.scaling.yarn_beta_fast": 32.0,
    "rope.scaling.yarn_beta_slow": 1.0,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """How one family is configured in transformers, and written for llama.cpp."""

    config: str
    """Class of transformers' configuration."""
    architecture: str
    """Its name in a GGUF header."""
    shape: Mapping[str, Any] = field(default_factory=dict)
    """Arguments of the configuration, over SHAPE."""
    header: Mapping[str, Any] = field(default_factory=dict)
    """Keys of the GGUF below its architecture, over those of `_header`."""
    rules: Mapping[str, Rule] = field(default_factory=dict)
    """Pattern of a tensor's name -> what is written for it; the first pattern that is found."""
    prefix: str = "model."
    """What the table calls transformers' `model.`."""
    extra: Mapping[str, list[float]] = field(default_factory=dict)
    """Tensors that transformers computes."""
    mxfp4: bool = False
    """Experts are stored in four bits, in both formats."""
    tolerance: float = 1e-3
    """Most nats between the runtimes on one continuation."""


TURNED: Mapping[str, Rule] = {r"self_attn\.[qk]_proj\.weight": turned(HEAD)}
ONE_MORE: Mapping[str, Rule] = {r"norm\.weight": changed(lambda values: values + 1)}
"""A norm that multiplies by 1 + weight."""
MAMBA: Mapping[str, Rule] = {
    r"\.dt_bias": renamed(r"\.dt_bias", ".dt_proj.bias"),
    r"\.A_log": changed(lambda values: -np.exp(values).reshape(-1, 1)),
    r"\.D$": changed(lambda values: values.reshape(-1, 1)),
    r"conv1d\.weight": changed(np.squeeze),
    r"(mixer|mamba)\.norm\.weight": changed(lambda values: values.reshape(GROUPS, -1)),
}
"""Mamba 2, as Nemotron-H and Granite 4 have it."""
MIXER = {
    "mamba_num_heads": 8, "mamba_head_dim": HEAD, "ssm_state_size": STATE, "n_groups": GROUPS,
    "chunk_size": 8,
    "time_step_min": 1e-6,  # transformers takes no shorter step, llama.cpp does
}  # fmt: skip
SSM = {
    "ssm.conv_kernel": 4, "ssm.inner_size": 8 * HEAD, "ssm.state_size": STATE,
    "ssm.time_step_rank": 8, "ssm.group_count": GROUPS,
}  # fmt: skip
OF_EXPERTS = {"expert_count": EXPERTS, "expert_used_count": EXPERTS_USED}
OF_GPT_OSS: Mapping[str, Rule] = {
    r"sinks$": renamed("$", ".weight"),
    r"gate_up_proj_bias$": dealt("gate_up_proj_bias", "gate_proj.bias", "up_proj.bias"),
    r"gate_up_proj$": dealt("gate_up_proj", "gate_proj.weight", "up_proj.weight"),
    r"down_proj_bias$": renamed("_bias", ".bias"),
    r"down_proj$": dealt("$", ".weight"),
}
PACKED = re.compile(r"experts\.(gate_up|down)_proj$")
"""Tensors that gpt-oss keeps in MXFP4."""
GPT_OSS = {
    "num_local_experts": EXPERTS, "num_experts_per_tok": EXPERTS_USED, "sliding_window": WINDOW,
    "layer_types": [SLIDING, FULL],
}  # fmt: skip
PLAIN = {"rope_type": "default", "rope_theta": THETA}
WINDOWS = {"attention.sliding_window": WINDOW, "attention.sliding_window_pattern": [True, False]}
GPT_OSS_HEADER = {**WINDOWS, **OF_EXPERTS, "expert_feed_forward_length": FEED_FORWARD}
_LAYER = r"^model\.layers\.(\d+)\."
FAMILIES: dict[str, Family] = {
    "llama": Family(config="LlamaConfig", architecture="llama", rules=TURNED),
    "qwen3": Family(config="Qwen3Config", architecture="qwen3"),
    "smollm3": Family(
        config="SmolLM3Config", architecture="smollm3", rules=TURNED,
        header={"rope.freq_base": 2e6},
        shape={"num_hidden_layers": 4, "no_rope_layers": [1, 1, 1, 0]},
    ),
    "phi3": Family(
        config="Phi3Config", architecture="phi3",
        header={"rope.scaling.original_context_length": CONTEXT, "attention.sliding_window": 0},
    ),
    "olmo2": Family(
        config="Olmo3Config", architecture="olmo2", header={**WINDOWS, "rope.freq_base": 5e5},
        shape={"sliding_window": WINDOW, "layer_types": [SLIDING, FULL]},
    ),
    "mistral3": Family(
        config="Ministral3Config", architecture="mistral3", rules=TURNED,
        shape={"rope_parameters": {
            **YARN, "mscale": 1.0, "mscale_all_dim": 1.0, "llama_4_scaling_beta": 0.1,
        }},
        header={
            **YARN_HEADER, "rope.scaling.yarn_log_multiplier": 1.0,
            "attention.temperature_scale": 0.1,
        },
    ),
    "minicpm3": Family(
        config="MiniCPM3Config", architecture="minicpm3",
        shape={
            "q_lora_rank": 24, "kv_lora_rank": 32, "qk_nope_head_dim": 16, "qk_rope_head_dim": 8,
            "v_head_dim": 16, "head_dim": 8, "num_key_value_heads": HEADS,
        },
        header={
            "attention.q_lora_rank": 24, "attention.kv_lora_rank": 32, "attention.key_length": 24,
            "rope.dimension_count": 8,
        },
    ),
    "nemotron": Family(
        config="NemotronConfig", architecture="nemotron", rules=ONE_MORE,
        header={"rope.dimension_count": HEAD // 2, "attention.layer_norm_epsilon": 1e-5},
    ),
    "nemotron_h": Family(
        config="NemotronHConfig", architecture="nemotron_h", rules=MAMBA, prefix="backbone.",
        shape={**MIXER, "num_hidden_layers": None, "layers_block_type": [LINEAR, "mlp", FULL]},
        header={
            **SSM, "block_count": 3, "attention.head_count_kv": [0, 0, KV_HEADS],
            "feed_forward_length": [0, FEED_FORWARD, 0], "attention.layer_norm_epsilon": 1e-5,
        },
    ),
    "nemotron_h_moe": Family(
        config="NemotronHConfig", architecture="nemotron_h_moe", prefix="backbone.",
        rules={
            **MAMBA,
            r"mixer\.dt_bias": renamed("dt_bias", "dt.bias"),
            r"experts\.(up|down)_proj$": renamed(
                _LAYER + r".*(up|down)_proj$", r"blk.\1.ffn_\2_exps.weight"
            ),
            r"e_score_correction_bias$": renamed(_LAYER + ".*", r"blk.\1.exp_probs_b.bias"),
        },
        shape={
            **MIXER, "num_hidden_layers": None, "layers_block_type": [LINEAR, "moe", FULL],
            "n_routed_experts": EXPERTS, "num_experts_per_tok": EXPERTS_USED,
            "moe_intermediate_size": 32, "moe_shared_expert_intermediate_size": 48,
        },
        header={
            **SSM, **OF_EXPERTS, "block_count": 3, "attention.head_count_kv": [0, 0, KV_HEADS],
            "feed_forward_length": [0, 32, 0], "attention.layer_norm_epsilon": 1e-5,
            "expert_feed_forward_length": 32, "expert_shared_feed_forward_length": 48,
            "expert_shared_count": 1, "expert_weights_norm": True, "expert_weights_scale": 1.0,
            "expert_group_count": 1,
        },
    ),
    "gpt-oss": Family(
        config="GptOssConfig", architecture="gpt-oss", rules=OF_GPT_OSS,
        shape={**GPT_OSS, "rope_parameters": PLAIN}, header=GPT_OSS_HEADER,
    ),
    "gpt-oss, YaRN": Family(
        config="GptOssConfig", architecture="gpt-oss", rules=OF_GPT_OSS,
        shape={**GPT_OSS, "rope_parameters": {**YARN, "truncate": True}},
        header={**GPT_OSS_HEADER, **YARN_HEADER},
    ),
    "gpt-oss, MXFP4": Family(
        config="GptOssConfig", architecture="gpt-oss", mxfp4=True,
        tolerance=0.5,  # llama.cpp rounds what meets four-bit weights to eight bits
        shape={**GPT_OSS, "rope_parameters": PLAIN}, header=GPT_OSS_HEADER,
        rules={
            **OF_GPT_OSS,
            r"gate_up_proj$": dealt(
                "gate_up_proj", "gate_proj.weight", "up_proj.weight", change=mxfp4
            ),
            r"down_proj$": dealt("$", ".weight", change=mxfp4),
        },
    ),
    "qwen35": Family(
        config="Qwen3_5TextConfig", architecture="qwen35",
        rules={
            r"linear_attn\.norm": changed(np.asarray),
            **ONE_MORE,
            r"\.dt_bias": renamed(r"\.dt_bias", ".dt_proj.bias"),
            r"\.A_log": changed(lambda values: -np.exp(values)),
            r"conv1d\.weight": changed(np.squeeze),
        },
        shape={
            "layer_types": [LINEAR, FULL], "head_dim": 256, "linear_key_head_dim": STATE,
            "linear_value_head_dim": STATE, "linear_num_key_heads": 4, "linear_num_value_heads": 4,
        },
        header={
            "attention.key_length": 256, "attention.value_length": 256,
            "rope.dimension_count": 64, "rope.dimension_sections": [11, 11, 10, 0],
            "ssm.conv_kernel": 4, "ssm.state_size": STATE, "ssm.group_count": 4,
            "ssm.time_step_rank": 4, "ssm.inner_size": 4 * STATE, "full_attention_interval": 2,
        },
    ),
    # llama.cpp's GELU is a table of F16 values.
    "gemma3": Family(
        tolerance=0.01,
        config="Gemma3TextConfig", architecture="gemma3", rules=ONE_MORE,
        header={**WINDOWS, "rope.freq_base": 1e6},
        shape={
            "sliding_window": WINDOW, "layer_types": [SLIDING, FULL],
            "query_pre_attn_scalar": HEAD,
        },
    ),
    "gemma3n": Family(
        config="Gemma3nTextConfig", architecture="gemma3n",
        rules={
            r"altup_(unembed_)?projections": renamed(
                r"projections\.\d", "projections", (1, WIDTH, WIDTH)
            ),
            r"_scale$": renamed("$", ".weight"),
        },
        shape={
            "sliding_window": WINDOW, "layer_types": [SLIDING, FULL], "num_kv_shared_layers": 0,
            "intermediate_size": 1024,
            "hidden_size_per_layer_input": 256, "activation_sparsity_pattern": [0.95, 0.95],
        },
        header={**WINDOWS, "rope.freq_base": 1e6, "feed_forward_length": 1024},
        tolerance=0.1,  # llama.cpp divides a layer's variance by one less
    ),
    "gemma4": Family(
        tolerance=0.05,
        config="Gemma4TextConfig", architecture="gemma4",
        rules={r"layer_scalar$": renamed("$", ".weight")},
        shape={
            "num_hidden_layers": 4, "sliding_window": WINDOW, "num_kv_shared_layers": 2,
            "final_logit_softcapping": 30.0,
            "layer_types": [SLIDING, FULL] * 2, "hidden_size_per_layer_input": PER_LAYER,
            "per_layer_config": {"1": {"head_dim": 2 * HEAD}, "3": {"head_dim": 2 * HEAD}},
        },
        header={
            "attention.sliding_window": WINDOW,
            "attention.sliding_window_pattern": [True, False] * 2, "final_logit_softcapping": 30.0,
            "attention.key_length": 2 * HEAD, "attention.value_length": 2 * HEAD,
            "attention.key_length_swa": HEAD, "attention.value_length_swa": HEAD,
            "attention.shared_kv_layers": 2, "embedding_length_per_layer_input": PER_LAYER,
            "rope.freq_base": 1e6, "rope.freq_base_swa": 1e4, "rope.dimension_count": 2 * HEAD,
            "rope.dimension_count_swa": HEAD,
        },
        # A quarter of a wide head turns, the rest so slowly that it stands.
        extra={"rope_freqs.weight": [1.0] * (HEAD // 4) + [1e30] * (HEAD - HEAD // 4)},
    ),
    "granitehybrid": Family(
        config="GraniteMoeHybridConfig", architecture="granitehybrid",
        rules={
            **MAMBA,
            r"experts\.gate_up_proj": split(
                _LAYER + ".*", r"blk.\1.ffn_gate_exps.weight", r"blk.\1.ffn_up_exps.weight"
            ),
            r"experts\.down_proj": renamed(_LAYER + ".*", r"blk.\1.ffn_down_exps.weight"),
            r"moe\.router": renamed(_LAYER + ".*", r"blk.\1.ffn_gate_inp.weight"),
            r"mlp\.input": split(
                _LAYER + ".*", r"blk.\1.ffn_gate_shexp.weight", r"blk.\1.ffn_up_shexp.weight"
            ),
            r"mlp\.output": renamed(_LAYER + ".*", r"blk.\1.ffn_down_shexp.weight"),
        },
        shape={
            "layer_types": [LINEAR, FULL], "num_local_experts": EXPERTS, "head_dim": None,
            "num_experts_per_tok": EXPERTS_USED, "shared_intermediate_size": 48,
            "mamba_n_heads": 8, "mamba_d_head": HEAD, "mamba_d_state": STATE,
            "mamba_n_groups": GROUPS, "mamba_chunk_size": 8, "embedding_multiplier": 3.0,
            "logits_scaling": 2.0, "residual_multiplier": 0.8, "attention_multiplier": 0.25,
        },
        header={
            **SSM, **OF_EXPERTS, "attention.head_count_kv": [0, KV_HEADS],
            "expert_shared_feed_forward_length": 48, "rope.scaling.finetuned": False,
            "embedding_scale": 3.0, "logit_scale": 2.0, "residual_scale": 0.8,
            "attention.scale": 0.25,
        },
    ),
    "lfm2moe": Family(
        config="Lfm2MoeConfig", architecture="lfm2moe",
        rules={
            r"conv\.conv": changed(np.squeeze),
            r"lm_head": renamed("^.*$", "output.weight"),
            r"experts\.gate_up_proj": split(
                _LAYER + ".*", r"blk.\1.ffn_gate_exps.weight", r"blk.\1.ffn_up_exps.weight"
            ),
            r"experts\.down_proj": renamed(_LAYER + ".*", r"blk.\1.ffn_down_exps.weight"),
            r"expert_bias": renamed(_LAYER + ".*", r"blk.\1.exp_probs_b.bias"),
        },
        shape={
            "num_hidden_layers": 3, "layer_types": ["conv", FULL, "conv"], "norm_eps": 1e-5,
            "moe_intermediate_size": 32, "num_dense_layers": 1, "num_experts": EXPERTS,
            "num_experts_per_tok": EXPERTS_USED, "head_dim": None,
        },
        header={
            **OF_EXPERTS, "attention.head_count_kv": [0, KV_HEADS, 0], "shortconv.l_cache": 3,
            "rope.freq_base": 1e6,
            "leading_dense_block_count": 1, "expert_gating_func": 2,
            "expert_feed_forward_length": 32,
        },
    ),
}  # fmt: skip
