"""T1, the collusion game: everybody who keeps anything conspires to say which household made which purchase.

`town.py` plays months of aid: claims, wallets, payments. The adversary holds the office's register (who is who, what each
household was paid, when it claimed), the whole mint and every shop's notes of each sale (amount, coins, time); `likelihood.py`,
`matchers.py` and `tracking.py` are its attacks, written with full knowledge of how people and wallets behave. `crowd.py` has
the line that T1 draws (1/k + 0.01) and a ceiling that no attack can pass, whatever it computes. `rows.py` lists the settings,
the recommended one and those under which the adversary wins. `python -m bench.collusion` plays them.

Two adversaries. *Robbed*: servers were honest and their disks are stolen, so the mint knows only keyed hashes without time or
order, the office the order of claims, the shops what they noted. *Live*: the mint was changed to record every request with
its time and which inputs and outputs stood in it. Both are granted more than they would have: the link between a payment and
the swap that prepared it, and every distribution of the simulator.

Left out: network addresses (an anonymising transport is assumed), cameras and people who look, and phones that are seized.
"""
