// Sends the form that carries an answer to a service. Without scripts, its button does.
document.querySelector("form[data-post]")?.submit();
