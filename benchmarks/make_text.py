"""Make large order logs as text: python benchmarks/make_text.py 5_000_000 FOLDER.

Three files of the same orders: ``plain.csv`` with five canonical columns, and a marketplace's
export of twelve with Chinese names, titles in quotes and commas within, in UTF-8
(``export.csv``) and in GB18030 (``export_gb18030.csv``). Everything follows from the number of
the row, so that the same call makes the same bytes.
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb

BLOCK = 1 << 22

ORDERS = """
    SELECT *, (draw % 499000 + 1000) / 100 AS amount,
        TIMESTAMP '2022-01-01' + to_seconds(i * 94608000 // {rows} + draw % 60) AS created,
        CASE WHEN draw % 100 < 4 THEN '等待买家付款' WHEN draw % 100 < 8 THEN '退款成功'
             WHEN draw % 100 < 12 THEN '买家已付款,等待卖家发货' ELSE '交易成功' END AS status
    FROM (
        SELECT i, (hash(i) >> 1)::BIGINT AS draw, (hash(i + 1) >> 1)::BIGINT AS other
        FROM range({rows}) AS rows(i)
    )
"""

EXPORT = """
    SELECT (220000000000000000 + i * 10000019)::VARCHAR AS 订单编号,
        ['小', '老', '阿', '大'][other % 4 + 1] || ['王', '李', '张', '刘', '陈'][other % 5 + 1]
            || '家的猫' || other % ({rows} // 4) AS 买家会员名,
        amount::DECIMAL(18, 2) AS 买家实际支付金额,
        CASE WHEN draw % 50 = 9 THEN 10.00 ELSE 0.00 END::DECIMAL(18, 2) AS 退款金额,
        status AS 订单状态,
        strftime(created, '%Y-%m-%d %H:%M:%S') AS 订单创建时间,
        strftime(
            CASE WHEN status <> '等待买家付款' THEN created + to_seconds(draw % 900) END,
            '%Y-%m-%d %H:%M:%S'
        ) AS 订单付款时间,
        '春季新款女装连衣裙, 修身显瘦 "' || draw % 5000 || '" 号, 包邮' AS 宝贝标题,
        draw % 3 + 1 AS 宝贝总数量,
        ['浙江省杭州市', '广东省深圳市', '四川省成都市'][draw % 3 + 1] || '某某路' || draw % 999
            || '号' AS 收货地址,
        ['圆通速递', '中通快递', '顺丰速运'][other % 3 + 1] AS 物流公司,
        'YT' || other % 10000000000 AS 物流单号
    FROM orders
"""

PLAIN = """
    SELECT i + 1 AS order_id, 'C' || other % ({rows} // 4) AS customer_id,
        strftime(created, '%Y-%m-%d %H:%M:%S') AS ordered_at, amount::DECIMAL(18, 2) AS amount,
        CASE WHEN draw % 100 < 4 THEN 'unpaid' WHEN draw % 100 < 8 THEN 'refunded'
             ELSE 'completed' END AS status
    FROM orders
"""


def make(rows: int, folder: Path) -> None:
    con = duckdb.connect(config={"temp_directory": str(folder), "memory_limit": "4GB"})
    con.execute("CREATE VIEW orders AS " + ORDERS.format(rows=rows))
    for name, query in (("plain", PLAIN), ("export", EXPORT)):
        con.execute(f"COPY ({query.format(rows=rows)}) TO '{folder / name}.csv' (HEADER)")
    with (
        (folder / "export.csv").open(encoding="utf-8", newline="") as text,
        (folder / "export_gb18030.csv").open("w", encoding="gb18030", newline="") as out,
    ):
        while block := text.read(BLOCK):
            out.write(block)


if __name__ == "__main__":
    make(int(sys.argv[1]), Path(sys.argv[2]).absolute())
