"""The tiny models: one per family, sizes that divide into nothing convenient. Fields are named as in the config.json files
of transformers 4, which transformers 5 reads as well (and writes in its own way: `rope_parameters`)."""

VOCABULARY = 61

COMMON = dict(vocab_size=VOCABULARY, bos_token_id=1, eos_token_id=2)

FAMILIES = {
    # Grouped queries (3 to a key), tied, plain rotary positions.
    "llama": dict(
        model_type="llama",
        hidden_size=36,
        intermediate_size=52,
        num_hidden_layers=2,
        num_attention_heads=6,
        num_key_value_heads=2,
        max_position_embeddings=64,
        rms_norm_eps=1e-5,
        rope_theta=10000.0,
        tie_word_embeddings=True,
    ),
    # Llama 3: of the 6 frequencies one is kept, one is blended and four are divided by the factor.
    "llama3-rope": dict(
        model_type="llama",
        hidden_size=36,
        intermediate_size=44,
        num_hidden_layers=2,
        num_attention_heads=3,
        num_key_value_heads=1,
        max_position_embeddings=512,
        rms_norm_eps=1e-5,
        rope_theta=10000.0,
        rope_scaling=dict(
            rope_type="llama3",
            factor=8.0,
            low_freq_factor=1.0,
            high_freq_factor=4.0,
            original_max_position_embeddings=64,
        ),
        tie_word_embeddings=True,
    ),
    # Positions divided by the factor, as long-context variants of Llama 2 have it.
    "llama-linear-rope": dict(
        model_type="llama",
        hidden_size=32,
        intermediate_size=44,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=128,
        rms_norm_eps=1e-6,
        rope_theta=10000.0,
        rope_scaling=dict(rope_type="linear", factor=4.0),
        tie_word_embeddings=False,
    ),
    # Every bias that Llama can have; 5 heads of 12 beside a width of 40; its own output matrix.
    "llama-bias": dict(
        model_type="llama",
        hidden_size=40,
        intermediate_size=52,
        num_hidden_layers=2,
        num_attention_heads=5,
        num_key_value_heads=1,
        head_dim=12,
        attention_bias=True,
        mlp_bias=True,
        max_position_embeddings=64,
        rms_norm_eps=1e-5,
        rope_theta=500000.0,
        tie_word_embeddings=False,
    ),
    # The window (5) is smaller than the sequence.
    "mistral": dict(
        model_type="mistral",
        hidden_size=32,
        intermediate_size=52,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        sliding_window=5,
        max_position_embeddings=64,
        rms_norm_eps=1e-5,
        rope_theta=10000.0,
        tie_word_embeddings=False,
    ),
    # Biases on query, key and value alone.
    "qwen2": dict(
        model_type="qwen2",
        hidden_size=36,
        intermediate_size=52,
        num_hidden_layers=2,
        num_attention_heads=6,
        num_key_value_heads=3,
        use_sliding_window=False,
        sliding_window=4,
        max_window_layers=1,
        max_position_embeddings=64,
        rms_norm_eps=1e-6,
        rope_theta=1000000.0,
        tie_word_embeddings=True,
    ),
    # A norm over each head's query and key; 4 heads of 10 beside a width of 36.
    "qwen3": dict(
        model_type="qwen3",
        hidden_size=36,
        intermediate_size=52,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=10,
        attention_bias=False,
        use_sliding_window=False,
        max_position_embeddings=64,
        rms_norm_eps=1e-6,
        rope_theta=1000000.0,
        tie_word_embeddings=True,
    ),
    "gpt2": dict(
        model_type="gpt2",
        n_embd=36,
        n_inner=52,
        n_layer=2,
        n_head=3,
        n_positions=48,
        activation_function="gelu_new",
        layer_norm_epsilon=1e-5,
    ),
}
