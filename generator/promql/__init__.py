"""PromQL: what an expression means (`tree`), and where its parts stand in its text (`tokens`, `spans`, `text`)."""
