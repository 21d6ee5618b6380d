"""Tracebacks as Python, Java and Go print them, each of which is one record."""

from typing import Final

TRACEBACKS: Final = {
    "logging.exception": """\
ERROR:shop:the order failed
Traceback (most recent call last):
  File "/app/shop.py", line 7, in order
    return prices[item]
           ~~~~~~^^^^^^
KeyError: 'tea'
""",
    "an uncaught exception": """\
Traceback (most recent call last):
  File "/app/shop.py", line 9, in <module>
    main()
shop.stock.OutOfStock: no tea
""",
    "a chain of exceptions": """\
[2026-11-21 10:00:00 +0000] [7] [ERROR] Error handling request /order
Traceback (most recent call last):
  File "/app/shop.py", line 7, in order
    return prices[item]
KeyError: 'tea'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/app/web.py", line 3, in view
    order("tea")
  File "/app/shop.py", line 9, in order
    raise OrderError(item) from error
shop.OrderError: tea
""",
    "Java with its causes": """\
2026-11-21 10:00:00 ERROR Orders - order failed
java.lang.IllegalStateException: no price
\tat shop.Orders.price(Orders.java:7)
\tat shop.Main.main(Main.java:3)
Caused by: java.io.IOException: connection reset
\tat shop.Prices.read(Prices.java:40)
\t... 2 more
""",
    "the next of Java": """\
java.lang.NullPointerException
\tat shop.Orders.price(Orders.java:8)
""",
    "a panic of Go": """\
panic: runtime error: index out of range [5] with length 3

goroutine 1 [running]:
main.price({0xc0000, 0x3})
\t/app/shop.go:8 +0x1d
net/http.(*conn).serve(0xc0001, {0x1, 0x2})
\t/usr/local/go/src/net/http/server.go:2102 +0x5f5
created by net/http.(*Server).Serve in goroutine 1
\t/usr/local/go/src/net/http/server.go:3454 +0x485
""",
    "indented lines of anything": """\
settings:
  price: 3
    tax: 1
""",
}
