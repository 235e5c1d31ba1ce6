"""Parquet files as others write them, for the tests of reading private data.

pip install pyarrow==26.0.1, then: python make-parquet.py
"""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

here = Path(__file__).parent


def write(name, columns, **options):
    pq.write_table(pa.table(columns), here / f"{name}.parquet", **options)


texts = ["one", "zwei\nZeilen", None, "trois é", "четыре", "五 \U0001f600"]
ids = pa.array(range(6), pa.int64())
for codec in ["none", "snappy", "gzip", "brotli", "lz4", "zstd"]:
    write(f"text-{codec}", {"id": ids, "text": texts}, compression=codec, row_group_size=4)

write(
    "completion",
    {
        "completion": pa.array([" 4", " 6"], pa.large_string()),
        "prompt": pa.array(["2 + 2 =", "3 + 3 ="]).dictionary_encode(),
        "text": ["both forms", "are there"],
    },
    compression="zstd",
    data_page_version="2.0",
)

message = pa.struct([("role", pa.string()), ("content", pa.string())])
hello = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}]
bye = [{"role": "system", "content": "Be brief."}, *hello, {"role": "user", "content": "Bye"}, {"role": "assistant", "content": "Bye."}]
write("messages", {"prompt": ["Hi", "Hi"], "messages": pa.array([hello, bye], pa.list_(message))})

write("numbers", {"text": pa.array([1, 2, 3], pa.int32())})
write("other", {"question": ["a"], "answer": ["b"]})
write("empty", {"text": pa.array([], pa.string())})
