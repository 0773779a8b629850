"""How good a model is: the field's own measures."""
