"""Times pretrain-bpe beside other tokenizers: same texts, same vocabularies, same threads, one run.

    python3 -m venv target/peers && target/peers/bin/pip install tiktoken==0.14.0 tokenizers==0.23.3 \
        gigatoken==0.10.0 rustbpe==0.1.0 numpy xxhash zstandard
    cargo build --release -p benches --bin bpe-passes
    target/peers/bin/python benches/peers/bpe.py --ours target/release/bpe-passes --data DATA --tmp TMP

DATA holds `docs/*.jsonl.zst` (documents with a `text`) and `tokenizers/tiktoken/*.tiktoken.zst`; TMP gets
about 400 MB of scratch files. Every measure is a process of its own, the programs take turns, and the table
gives the median of `--rounds` turns and its ratio to ours. "first" is the first pass over the texts in a
fresh process, with empty caches; "second" another pass over the same texts. Texts are in memory before the
clock of an encoder starts; a trainer's clock includes reading them. `ids` and `merges` are hashes: an
encoder with other ids than tiktoken's, or a trainer with other merges than Hugging Face's, is marked `*`.
"""

import argparse
import json
import os
import resource
import statistics
import struct
import subprocess
import sys
import time

ENCODINGS = {"r50k_base": "gpt2", "cl100k_base": "cl100k", "o200k_base": "o200k"}
GPT2 = r"""'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"""
CL100K = r"""(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"""
SPECIAL = {"r50k_base": 50256, "cl100k_base": 100257, "o200k_base": 199999}
# Between documents where a peer reads one text file; the character stands in no document.
SEPARATOR = "\x1e\x1e"
VOCABULARY = 32768


def documents(folder):
    """(file name, index in the file, text) of every document."""
    import zstandard

    for name in sorted(os.listdir(folder)):
        if not name.endswith(".jsonl.zst") or "ccbysa" in name or "neardup" in name:
            continue
        with open(os.path.join(folder, name), "rb") as file:
            stream = zstandard.ZstdDecompressor().stream_reader(file)
            rest, index = b"", 0
            while block := stream.read(1 << 22):
                *lines, rest = (rest + block).split(b"\n")
                for line in lines:
                    yield name, index, json.loads(line)["text"]
                    index += 1
            if rest.strip():
                yield name, index, json.loads(rest)["text"]


def prepare(args):
    """The corpora: `mixed` every fourth document of every file, `english` the English books, `small` every seventh
    document, `all`. Each as length-prefixed texts and as one text file."""
    import zstandard

    os.makedirs(args.tmp, exist_ok=True)
    wanted = {
        "mixed": lambda name, i: i % 4 == 2,
        "english": lambda name, i: name.startswith("books-en"),
        "small": lambda name, i: i % 7 == 3,
        "all": lambda name, i: True,
    }
    files = {key: (open(path(args, key, "bin"), "wb"), open(path(args, key, "txt"), "wb")) for key in wanted}
    for name, index, text in documents(os.path.join(args.data, "docs")):
        data = text.encode()
        for key, is_wanted in wanted.items():
            if is_wanted(name, index):
                files[key][0].write(struct.pack("<I", len(data)) + data)
                files[key][1].write(data.replace(b"\0", b"") + SEPARATOR.encode())
    for pair in files.values():
        for file in pair:
            file.close()
    for encoding in ENCODINGS:
        source = os.path.join(args.data, "tokenizers", "tiktoken", encoding + ".tiktoken.zst")
        with open(source, "rb") as file, open(path(args, encoding, "tiktoken"), "wb") as out:
            zstandard.ZstdDecompressor().copy_stream(file, out)


def path(args, name, extension):
    return os.path.join(args.tmp, f"{name}.{extension}")


def texts(file_name):
    with open(file_name, "rb") as file:
        while head := file.read(4):
            yield file.read(struct.unpack("<I", head)[0]).decode()


def tiktoken_encoding(args, encoding):
    import tiktoken
    from tiktoken.load import load_tiktoken_bpe
    import tiktoken_ext.openai_public as public

    public.load_tiktoken_bpe = lambda url, **_: load_tiktoken_bpe(path(args, encoding, "tiktoken"))
    return tiktoken.Encoding(**getattr(public, encoding)())


def hugging_face(args, encoding):
    """The same vocabulary as a Hugging Face tokenizer, with merges recovered from the ranks."""
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers

    ranks = tiktoken_encoding(args, encoding)._mergeable_ranks
    chars = byte_chars()
    name = lambda token: "".join(chars[byte] for byte in token)
    merges = []
    for token, rank in ranks.items():
        parts = [bytes([byte]) for byte in token]
        while len(parts) > 2:
            best, at = min((ranks.get(a + b, 1 << 60), i) for i, (a, b) in enumerate(zip(parts, parts[1:])))
            if best >= rank:
                break
            parts[at : at + 2] = [parts[at] + parts[at + 1]]
        if len(parts) == 2:
            merges.append((rank, name(parts[0]), name(parts[1])))
    merges = [(left, right) for _, left, right in sorted(merges)]
    model = models.BPE(vocab={name(t): r for t, r in ranks.items()}, merges=merges, ignore_merges=True)
    tokenizer = Tokenizer(model)
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=encoding == "r50k_base")
    if encoding != "r50k_base":
        pattern = CL100K if encoding == "cl100k_base" else tiktoken_encoding(args, encoding)._pat_str
        split = pre_tokenizers.Split(Regex(pattern), behavior="isolated")
        byte_level = pre_tokenizers.Sequence([split, byte_level])
    tokenizer.pre_tokenizer = byte_level
    return tokenizer


def byte_chars():
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    return {byte: chr(byte) for byte in printable} | {byte: chr(256 + i) for i, byte in enumerate(others)}


def encode_peer(args, job):
    import numpy
    import xxhash

    docs = list(texts(path(args, job["corpus"], "bin")))
    peer, threads, flat = job["program"], job["threads"], lambda result: result
    if peer == "tiktoken":
        encoding = tiktoken_encoding(args, job["encoding"])
        run = lambda: [encoding.encode_ordinary(doc) for doc in docs]
        if threads > 1:
            run = lambda: encoding.encode_ordinary_batch(docs, num_threads=threads)
    elif peer == "tokenizers":
        tokenizer = hugging_face(args, job["encoding"])
        run = lambda: tokenizer.encode_batch_fast(docs, add_special_tokens=False)
        flat = lambda result: [encoding.ids for encoding in result]
    elif peer == "gigatoken":
        import gigatoken

        file, name = path(args, job["encoding"], "tiktoken"), job["encoding"].split("_")[0]
        tokenizer = gigatoken.Tokenizer.from_tiktoken(file, pretokenizer=name, special_tokens={})
        buffer = SEPARATOR.encode().join(doc.encode() for doc in docs)
        source = gigatoken.BytesSource([buffer], separator=SEPARATOR)
        run = lambda: tokenizer.encode_batch(source, parallel=threads > 1)
        flat = lambda result: [numpy.asarray(ids) for ids in result]
    n_bytes = sum(len(doc.encode()) for doc in docs)
    seconds = []
    for _ in range(2):
        start = time.perf_counter()
        result = run()
        seconds.append(time.perf_counter() - start)
        if seconds[0] > 10:
            break
    ids = numpy.concatenate([numpy.asarray(ids, dtype="<u4") for ids in flat(result)])
    return {
        "first": n_bytes / seconds[0] / 1e6,
        "second": n_bytes / seconds[-1] / 1e6,
        "hash": xxhash.xxh64(ids.tobytes()).hexdigest(),
    }


def train_peer(args, job):
    import xxhash

    peer, corpus = job["program"], job["corpus"]
    stream = texts(path(args, corpus, "bin"))
    merges = None
    start = time.perf_counter()
    if peer == "tokenizers":
        from tokenizers import Tokenizer, models, pre_tokenizers, trainers

        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
        alphabet = pre_tokenizers.ByteLevel.alphabet()
        trainer = trainers.BpeTrainer(
            vocab_size=VOCABULARY, initial_alphabet=alphabet, special_tokens=["<|endoftext|>"], show_progress=False
        )
        tokenizer.train_from_iterator(stream, trainer)
        seconds = time.perf_counter() - start
        merges = json.loads(tokenizer.to_str())["model"]["merges"]
    elif peer == "gigatoken":
        import gigatoken

        source = gigatoken.TextFileSource([path(args, corpus, "txt")], separator=SEPARATOR)
        _, pairs = gigatoken.train_bpe(source, VOCABULARY, ["<|endoftext|>"])
        seconds = time.perf_counter() - start
        chars = byte_chars()
        merges = [["".join(chars[byte] for byte in token) for token in pair] for pair in pairs]
    elif peer == "rustbpe":
        import rustbpe

        rustbpe.Tokenizer().train_from_iterator(stream, vocab_size=VOCABULARY, pattern=GPT2)
        seconds = time.perf_counter() - start
    digest = merges and xxhash.xxh64("".join(f"{a} {b}\n" for a, b in merges).encode()).hexdigest()
    return {"seconds": seconds, "hash": digest}


def ours(args, job):
    command = [args.ours, job["kind"], path(args, job["corpus"], "bin"), str(job["threads"])]
    if job["kind"] == "encode":
        command += [ENCODINGS[job["encoding"]], path(args, job["encoding"], "tiktoken")]
    else:
        command += ["gpt2", str(VOCABULARY)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def measure(args, job):
    if job["program"] == "pretrain-bpe":
        return ours(args, job)
    command = [sys.executable, __file__, "--data", args.data, "--tmp", args.tmp, "--worker", json.dumps(job)]
    threads = str(job["threads"])
    env = dict(os.environ, RAYON_NUM_THREADS=threads, TOKENIZERS_PARALLELISM=str(job["threads"] > 1).lower())
    run = subprocess.run(command, env=env, capture_output=True, text=True)
    if run.returncode:
        return {"error": run.stderr.strip().splitlines()[-1]}
    return json.loads(run.stdout.splitlines()[-1])


def compare(args, title, jobs, figures):
    """One table: each program of `jobs` in turn, `--rounds` times."""
    rounds = [[measure(args, job) for job in jobs] for _ in range(args.rounds)]
    print(f"\n{title}\n\n| program | " + " | ".join(figures) + " | times ours |")
    print("|---" * (len(figures) + 2) + "|")
    right = [r["hash"] for r, job in zip(rounds[0], jobs) if job["program"] in ("tiktoken", "tokenizers")][:1]
    for i, job in enumerate(jobs):
        runs = [r[i] for r in rounds]
        if errors := [r["error"] for r in runs if "error" in r]:
            print(f"| {job['program']} | {errors[0]} |")
            continue
        middle = {f: statistics.median(r[f] for r in runs) for f in figures}
        ratios = [middle[f] / statistics.median(r[0][f] for r in rounds) for f in figures]
        other = "*" if right and runs[0].get("hash") != right[0] else ""
        cells = " | ".join(f"{middle[f]:.1f}" for f in figures)
        print(f"| {job['program']}{other} | {cells} | " + ", ".join(f"{r:.2f}" for r in ratios) + " |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ours", help="the program bpe-passes")
    parser.add_argument("--data", required=True)
    parser.add_argument("--tmp", required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--what", nargs="+", default=["encode", "train"])
    parser.add_argument("--programs", nargs="+", default=["tiktoken", "tokenizers", "gigatoken", "rustbpe"])
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        job = json.loads(args.worker)
        result = (encode_peer if job["kind"] == "encode" else train_peer)(args, job)
        result["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps(result))
        return
    if not os.path.exists(path(args, "all", "txt")):
        prepare(args)
    programs = lambda names: ["pretrain-bpe"] + [p for p in args.programs if p in names]
    for threads in args.threads if "encode" in args.what else []:
        for corpus in ("mixed", "english"):
            for encoding in ENCODINGS:
                job = {"kind": "encode", "corpus": corpus, "encoding": encoding, "threads": threads}
                jobs = [job | {"program": p} for p in programs(("tiktoken", "tokenizers", "gigatoken"))]
                title = f"Encoding, {encoding}, {corpus}, {threads} thread(s), MB/s"
                compare(args, title, jobs, ["first", "second"])
    for threads, corpus in ((1, "small"), (2, "all")) if "train" in args.what else []:
        job = {"kind": "train", "corpus": corpus, "threads": threads}
        jobs = [job | {"program": p} for p in programs(("tokenizers", "gigatoken", "rustbpe"))]
        title = f"Training {VOCABULARY} tokens, {corpus}, {threads} thread(s)"
        compare(args, title, jobs, ["seconds", "peak_mb"])


main()
