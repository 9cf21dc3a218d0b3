"""How the store behaves with very many messages: measured from outside, over HTTP."""
